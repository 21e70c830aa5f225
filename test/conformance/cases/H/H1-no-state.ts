// H1: in the modern era every request stands by itself: any replica can take any of them.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { modern, modernCall } from '../../../kit/messages.ts';
import { Answer, open, readAll } from '../../../kit/http.ts';
import { IDENTITY } from '../../needs.ts';

export const H1: Case = {
  id: 'H1',
  level: 'MUST°',
  rule: 'Modern requests need no initialize and no session, and pass through any of two replicas without shared state',
  source: 'MCP 2026-07-28 (SEP-2567, SEP-2575); State Handle Hijacking',
  own: true,
  async run(bench) {
    const replica = await bench.target.start(bench.setup);
    try {
      const requests = [
        modern('server/discover'),
        modern('tools/list'),
        modernCall('echo'),
        modern('resources/read', { uri: 'file:///a' }),
        modern('prompts/get', { name: 'p' }),
        modernCall('echo', { again: true }),
      ];
      const tokens = [bench.token(), bench.bob];
      for (const [index, { body, headers }] of requests.entries()) {
        const address = index % 2 === 0 ? bench.running.address : replica.address;
        for (const token of tokens) {
          const res = await open({ ...bench.tls, ...address }, bench.host, {
            path: bench.path,
            body,
            headers: { ...headers, Authorization: `Bearer ${token}` },
          });
          const answer = new Answer(res, (await readAll(res)).toString());
          assert.equal(answer.status, 200, `request ${index}: ${answer.body}`);
          assert.equal(answer.headers['mcp-session-id'], undefined);
        }
      }
      assert.equal(bench.forwarded.length, 2 * requests.length, 'requests at the MCP server');
      const subjects = bench.forwarded.map(({ headers }) => headers[IDENTITY.toLowerCase()]);
      assert.deepEqual(
        subjects,
        requests.flatMap(() => ['alice', 'bob']),
        'whose state handle it is',
      );
    } finally {
      await replica.stop();
    }
  },
};
