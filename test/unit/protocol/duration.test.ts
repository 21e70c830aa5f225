// Go durations, as the CRD lets them through, in seconds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationSeconds } from '../../../src/protocol/duration.ts';

describe('a Go duration in seconds', () => {
  const rows: [duration: string, seconds: number][] = [
    ['0s', 0],
    ['30s', 30],
    ['1m30s', 90],
    ['4m60s', 300],
    ['1500ms', 1.5],
    ['0.5m', 30],
    ['0h', 0],
  ];
  for (const [duration, seconds] of rows)
    it(duration, () => assert.equal(durationSeconds(duration), seconds));
});
