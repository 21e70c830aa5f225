// D27: one revision has batches; each message in one is validated. That scopes of tools count in them is section E's.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { isRejected } from '../../bench/headers.ts';
import { message, modernCall } from '../../../kit/messages.ts';

const batch = (...messages: readonly string[]) => `[${messages.join(',')}]`;

export const D27: Case = {
  id: 'D27',
  level: 'MUST',
  rule: 'Batches pass in 2025-03-26 only; empty, nested, very long or modern ones get 400 with -32600',
  source: 'MCP 2025-03-26, "Batching"; MCP 2025-06-18, changelog',
  async run(bench) {
    const list = message('tools/list');
    const good = batch(list, message('tools/call', { name: 'read_file' }, 2));
    await each(
      { 'no version': {}, 'its version': { 'MCP-Protocol-Version': '2025-03-26' } },
      async (headers) => {
        await bench.accepts(bench.token(), { body: good, headers });
      },
    );
    await each(['2025-06-18', '2025-11-25', '2026-07-28'], (version) =>
      isRejected(bench, { body: good, headers: { 'MCP-Protocol-Version': version } }, [-32600]),
    );
    const bad = {
      empty: '[]',
      nested: batch(good),
      '101 messages': batch(...Array.from({ length: 101 }, (_, index) => message('ping', {}, index))),
      'a modern message': batch(list, modernCall('t').body),
      'no message': batch(list, '1'),
    };
    await each(bad, (body) => isRejected(bench, { body }, [-32600]));
    const poor = await bench.callWith(bench.claims({ scope: 'openid' }), { body: good });
    bench.isRefused(poor, 'insufficient_scope');
    assert.equal(bench.forwarded.length, 2);
  },
};
