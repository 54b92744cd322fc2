import { collectGarbage } from '../collect-garbage.ts';

/** Loaded into a gateway's process: tells, when asked, what its memory holds and how long its main thread has computed. */
process.on('message', (question: 'memory' | 'cpu') => {
  if (question === 'cpu') {
    const { user, system } = process.threadCpuUsage();
    process.send?.((user + system) / 1000);
    return;
  }
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  process.send?.(heapUsed + arrayBuffers);
});
