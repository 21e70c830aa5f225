// What is said of header fields that the server does not get: a count, and each name once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { DroppedHeaders } from '../../../../src/sidecar/observability/dropped-headers.ts';

function dropped() {
  const lines: string[] = [];
  let count = 0;
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const headers = new DroppedHeaders(logger, { inc: (by) => void (count += Number(by)) });
  const names = () => lines.map((line) => (JSON.parse(line) as { header?: string }).header);
  return { headers, names, count: () => count };
}

describe('dropped headers', () => {
  it('are counted each time, and named once, whatever their spelling', () => {
    const { headers, names, count } = dropped();
    headers.record(['X-One', 'X-Two']);
    headers.record(['x-one']);
    assert.deepEqual(names(), ['x-one', 'x-two']);
    assert.equal(count(), 3);
  });

  it('are named up to a number, and by no more than the beginning of a long name', () => {
    const { headers, names, count } = dropped();
    for (let index = 0; index < 200; index++) headers.record([`X-${index}`]);
    headers.record([`X-${'a'.repeat(10_000)}`]);
    assert.equal(names().length, 64 + 1);
    assert.equal(names().at(-1), undefined, 'that there are more');
    assert.equal(count(), 201);
    const long = dropped();
    long.headers.record([`X-${'a'.repeat(10_000)}`]);
    assert.equal(long.names()[0]?.length, 64);
  });
});
