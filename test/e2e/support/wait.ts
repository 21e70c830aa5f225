// Waiting for the cluster, in looks that leave it room to work.
import { waitFor as wait } from '../../kit/wait.ts';

/** Each look is a kubectl that asks the API server. */
const EVERY_MS = 300;

export const waitFor = (
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 30_000,
  everyMs = EVERY_MS,
): Promise<void> => wait(condition, what, timeoutMs, everyMs);
