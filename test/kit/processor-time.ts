// How long work keeps the processor: the same on a machine that does ten other things, unlike the time on the wall.

/** @returns milliseconds of this process, its threads included */
export function processorMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
