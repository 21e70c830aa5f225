// G6: behind a switched protocol tokens are not looked at any more.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { exchange, settles, wire } from '../../bench/wire.ts';

export const G6: Case = {
  id: 'G6',
  level: 'MUST°',
  rule: 'Upgrade, CONNECT and TRACE do not go on',
  source: 'RFC 9110 sections 7.8, 9.3.6 and 9.3.8',
  async run(bench) {
    await bench.accepts(bench.token());
    const upgrades = {
      h2c: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
      websocket: [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
      ],
    };
    await each(upgrades, async (lines) => {
      for (const token of [undefined, bench.token()]) {
        const connection = await exchange(bench, wire(bench, { token, lines }));
        const [status = 0] = connection.statuses;
        assert.ok(token === undefined ? status >= 400 : status === 200 || status === 400, `status ${status}`);
        for (const { headers } of bench.forwarded) {
          assert.equal(headers.upgrade, undefined, 'Upgrade was forwarded');
          assert.equal(headers['http2-settings'], undefined);
        }
        connection.destroy();
      }
    });
    const before = bench.forwarded.length;
    const requestLines = {
      CONNECT: `CONNECT ${bench.host} HTTP/1.1`,
      'CONNECT elsewhere': 'CONNECT 169.254.169.254:80 HTTP/1.1',
      TRACE: `TRACE ${bench.path} HTTP/1.1`,
      'TRACE of the metadata': `TRACE ${bench.metadataPath} HTTP/1.1`,
      PRI: 'PRI * HTTP/2.0',
    };
    await each(requestLines, async (requestLine, name) => {
      const connection = await exchange(
        bench,
        wire(bench, { requestLine, token: bench.token(), framing: [], body: '' }),
      );
      const [status] = connection.statuses;
      // A connection that just ends tunnels nothing either.
      const ended = status === undefined && (await settles(() => connection.closed, 3_000));
      const expected = name.startsWith('TRACE') ? [405, 501, 400] : [400, 405, 421, 501, 505];
      assert.ok(ended || expected.includes(status ?? 0), `status ${status}`);
      assert.equal(bench.forwarded.length, before);
      connection.destroy();
    });
  },
};
