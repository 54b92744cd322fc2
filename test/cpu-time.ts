/** What this thread computes for some work: unlike time, it does not grow with what else the machine does. Units: milliseconds. */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
