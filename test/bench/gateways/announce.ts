/** Tells the parent process that this one is ready, and where; ends with its parent. */
export function announce(ready: unknown): void {
  if (process.send === undefined) throw new Error('this file is started by the benchmark, not by hand');
  process.once('disconnect', () => process.exit());
  process.send(ready);
}
