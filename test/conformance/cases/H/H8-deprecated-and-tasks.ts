// H8: what is deprecated still passes, tasks are held to their id, and the issuer is one string everywhere.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { message, modern } from '../../../kit/messages.ts';

const DEPRECATED = {
  'logging/setLevel': message('logging/setLevel', { level: 'info' }),
  'the answer to sampling':
    '{"jsonrpc":"2.0","id":7,"result":{"role":"assistant","model":"m","content":{"type":"text","text":"x"}}}',
  'the answer to roots/list': '{"jsonrpc":"2.0","id":8,"result":{"roots":[{"uri":"file:///a"}]}}',
  'roots changed': '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}',
  'resources/subscribe': message('resources/subscribe', { uri: 'file:///a' }),
};

export const H8: Case = {
  id: 'H8',
  level: 'MUST°',
  rule: 'Deprecated messages pass, tasks/* need their taskId in Mcp-Name, and the issuer is published as it is',
  source: 'MCP 2026-07-28 "Deprecated Features"; SEP-2663; RFC 9207',
  async run(bench) {
    assert.deepEqual((await bench.document())['authorization_servers'], [bench.issuer.issuer]);
    await each(DEPRECATED, async (body) => void (await bench.accepts(bench.token(), { body })));
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const good = modern(method, { taskId: 't1' });
      await bench.accepts(bench.token(), good);
      const before = bench.forwarded.length;
      for (const name of ['t2', 'T1', undefined]) {
        const { 'Mcp-Name': _, ...others } = good.headers as Record<string, string>;
        const headers = name === undefined ? others : { ...others, 'Mcp-Name': name };
        const answer = await bench.callWith(bench.token(), { body: good.body, headers });
        assert.equal(answer.status, 400, `${method} as ${name}`);
        assert.equal((JSON.parse(answer.body) as { error?: { code?: number } }).error?.code, -32020);
      }
      assert.equal(bench.forwarded.length, before, 'requests at the MCP server');
    }
  },
};
