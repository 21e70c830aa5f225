// Waits for the cluster and says what it waits for, whenever that changes.
import { setTimeout as sleep } from 'node:timers/promises';
import { DemoError, type Report } from './report.ts';

const EVERY_MS = 500;

interface Wait {
  /** What must become ready, as a person calls it. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly report: Report;
  readonly stop: AbortSignal;
  /** What a person should know when it never comes: several lines. */
  readonly explain?: () => Promise<string>;
}

/**
 * Looks until nothing is missing.
 * @param missing says in a few words what is missing, or undefined when nothing is; throws when waiting is of no use
 * @throws DemoError with the explanation, when the time is over
 */
export async function waitUntil(missing: () => Promise<string | undefined>, wait: Wait): Promise<void> {
  const { what, timeoutMs, report, stop, explain } = wait;
  const deadline = Date.now() + timeoutMs;
  let said: string | undefined;
  for (;;) {
    const why = await missing();
    if (why === undefined) return;
    if (Date.now() > deadline) {
      const lines = [`${what}: not ready after ${timeoutMs / 1000} s: ${why}`, await explain?.()];
      throw new DemoError(lines.filter(Boolean).join('\n'));
    }
    if (why !== said) report(`${what}: ${why}`);
    said = why;
    await sleep(EVERY_MS, undefined, { signal: stop });
  }
}
