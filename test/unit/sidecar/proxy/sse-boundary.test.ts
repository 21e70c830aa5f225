// Where something may be put between two events of a stream, however its bytes come.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventBoundary } from '../../../../src/sidecar/proxy/sse-boundary.ts';

const rows: Record<string, [bytes: string, between: boolean]> = {
  'nothing yet': ['', true],
  'an event, LF': ['data: 1\n\n', true],
  'an event, CR LF': ['data: 1\r\n\r\n', true],
  'an event, CR': ['data: 1\r\r', true],
  'an event, LF and CR LF': ['data: 1\n\r\n', true],
  'an event, CR LF and LF': ['data: 1\r\n\n', true],
  'an event, CR and CR LF': ['data: 1\r\r\n', true],
  'an event, LF and CR': ['data: 1\n\r', true],
  'an event, CR LF and CR': ['data: 1\r\n\r', true],
  'a comment of its own': [': x\n\n', true],
  'empty lines': ['\n\n\n', true],
  'one character': ['d', false],
  'half a line': ['data: 1', false],
  'a line, LF': ['data: 1\n', false],
  'a line, CR': ['data: 1\r', false],
  'a line, CR LF': ['data: 1\r\n', false],
  'two lines': ['data: 1\ndata: 2\n', false],
  'two lines, CR LF': ['data: 1\r\ndata: 2\r\n', false],
  'an event and half another': ['data: 1\n\ndata: 2', false],
  'an event and a line': ['data: 1\r\n\r\ndata: 2\r\n', false],
  'half a character': ['data: \u00c3', false],
};

describe('between two events', () => {
  for (const [name, [bytes, between]] of Object.entries(rows)) {
    it(`${name}: ${between ? 'yes' : 'no'}`, () => {
      const buffer = Buffer.from(bytes, 'latin1');
      for (let first = 0; first <= buffer.length; first++) {
        for (let second = first; second <= buffer.length; second++) {
          const boundary = new EventBoundary();
          for (const part of [
            buffer.subarray(0, first),
            buffer.subarray(first, second),
            buffer.subarray(second),
          ])
            boundary.feed(part);
          assert.equal(boundary.isBetweenEvents, between, `cut at ${first} and ${second}`);
        }
      }
      const single = new EventBoundary();
      for (const byte of buffer) single.feed(Buffer.of(byte));
      assert.equal(single.isBetweenEvents, between, 'byte by byte');
    });
  }
});
