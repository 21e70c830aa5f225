// When a body is too slow to be waited for: silence, and drops that never end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isBodyTooSlow } from '../../../../src/sidecar/limits/body-timeout.ts';

const START = 1_800_000_000_000;
const SECOND = 1_000;

describe('a body', () => {
  /** After so many seconds, so many of which were silent, so many bytes have come. */
  const rows: Record<string, [after: number, silent: number, received: number, isTooSlow: boolean]> = {
    'that has just begun': [0, 0, 0, false],
    'of nothing, after a minute': [60, 60, 0, false],
    'of nothing, after more': [61, 61, 0, true],
    'that came fast and stopped': [100, 61, 1_000_000, true],
    'that came fast and pauses': [100, 59, 1_000_000, false],
    'of one byte every second': [120, 1, 120, true],
    'of one byte every second, in the first minute': [60, 1, 60, false],
    'of one byte every 59 seconds': [118, 59, 2, true],
    'of 1,100 bytes a second, for an hour': [3_600, 1, 3_960_000, false],
    'of 900 bytes a second, for an hour': [3_600, 1, 3_240_000, true],
    'of a gigabyte, for a day': [86_400, 1, 1_000_000_000, false],
  };
  for (const [name, [after, silent, received, isTooSlow]] of Object.entries(rows)) {
    it(`${name}: ${isTooSlow ? 'too slow' : 'waited for'}`, () => {
      const now = START + after * SECOND;
      const pace = { startedAt: START, lastAt: now - silent * SECOND, received };
      assert.equal(isBodyTooSlow(now, pace), isTooSlow);
    });
  }
});
