// C26: a connection, a session or a stream was authenticated once; each request must be.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { call } from '../../../kit/messages.ts';
import { now } from '../../bench/bench.ts';

export const C26: Case = {
  id: 'C26',
  level: 'MUST°',
  rule: 'Every request is verified by itself, also on a connection that has just carried a good one',
  source: 'MCP "Access Token Usage"; MCP 2026-07-28 (SEP-2575)',
  async run(bench) {
    const body = call('read_file');
    const post = (token?: string) =>
      [
        `POST ${bench.path} HTTP/1.1`,
        `Host: ${bench.host}`,
        'Content-Type: application/json',
        'Accept: application/json, text/event-stream',
        `Content-Length: ${body.length}`,
        ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
        '',
        body,
      ].join('\r\n');
    for (const [second, name] of [
      [undefined, 'without a token'],
      [bench.claims({ exp: now() - 60 }), 'with an expired one'],
    ] as const) {
      const before = bench.forwarded.length;
      const connection = await bench.raw();
      connection.send(post(bench.token()));
      assert.deepEqual(await connection.waitForStatuses(1), [200], 'the first');
      connection.send(post(second));
      assert.deepEqual(await connection.waitForStatuses(2), [200, 401], `the second, ${name}`);
      assert.equal(bench.forwarded.length, before + 1, 'requests at the MCP server');
      connection.destroy();
    }
    const stolen = await bench.call({ headers: { 'Mcp-Session-Id': 'a-session-of-another' } });
    assert.equal(stolen.status, 401, 'a session id is no credential');
  },
};
