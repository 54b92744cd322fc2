/** Loaded into a gateway's process: answers each message with the heap in use after a full collection, in bytes. */
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  process.send?.(heapUsed + arrayBuffers);
});
