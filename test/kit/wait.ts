// Waiting for the outside world: looks again and again, and gives up with a message.

/**
 * Waits for a condition of the outside world.
 * @param everyMs between two looks: short for what is cheap to look at, longer for what goes through an API server
 * @throws when it does not come true in time
 */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
  everyMs = 20,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
