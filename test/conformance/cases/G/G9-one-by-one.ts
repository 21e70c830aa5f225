// G9: one connection carries many requests, and connections to the server are shared; answers must not be.
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import type { Case } from '../../case.ts';
import { settles, wire } from '../../bench/wire.ts';
import { message } from '../../../kit/messages.ts';
import { IDENTITY } from '../../needs.ts';

const CONNECTIONS = 20;
const EACH = 50;

export const G9: Case = {
  id: 'G9',
  level: 'MUST°',
  rule: 'Requests of one connection are authorized one by one, and no answer goes to another request',
  source: 'RFC 9112 section 9.3.2; MCP "Access Token Usage"',
  own: true,
  async run(bench) {
    const token = bench.token();
    const mixed = await bench.raw();
    mixed.send(
      [token, undefined, token, 'garbage', bench.bob].map((item) => wire(bench, { token: item })).join(''),
    );
    assert.deepEqual(await mixed.waitForStatuses(5), [200, 401, 200, 401, 200]);
    assert.equal(bench.forwarded.length, 3);
    mixed.destroy();

    bench.upstream.script = (req, res) => {
      const who = String(req.headers[IDENTITY.toLowerCase()]);
      void text(req).then(async (body) => {
        const { id } = JSON.parse(body) as { id: string };
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
        res.setHeader('Content-Type', 'application/json');
        res.end(JSON.stringify({ jsonrpc: '2.0', id, result: { answer: `<${who} ${id}>` } }));
      });
    };
    const tokens = { alice: token, bob: bench.bob };
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async (_, connectionNumber) => {
        const connection = await bench.raw();
        const expected: string[] = [];
        let bytes = '';
        for (let index = 0; index < EACH; index++) {
          const who = (connectionNumber + index) % 2 === 0 ? 'alice' : 'bob';
          const id = `${connectionNumber}-${index}`;
          expected.push(`<${who} ${id}>`);
          bytes += wire(bench, { token: tokens[who], body: message('tools/call', { name: 'whoami' }, id) });
        }
        connection.send(bytes);
        await settles(() => connection.closed || connection.statuses.length >= EACH, 60_000);
        await settles(() => connection.received.includes(expected.at(-1) ?? ''), 2_000);
        connection.destroy();
        assert.deepEqual(
          connection.received.match(/<\w+ [\d-]+>/g),
          expected,
          'answers in the order of requests',
        );
      }),
    );
  },
};
