// D35: without a handshake there is no first request that could be open to all.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { INIT, modern } from '../../../kit/messages.ts';

const METHODS = [
  ...[
    'server/discover',
    'subscriptions/listen',
    'tools/list',
    'tools/call',
    'prompts/list',
    'resources/list',
  ],
  ...[
    'resources/templates/list',
    'completion/complete',
    'ping',
    'logging/setLevel',
    'tasks/list',
    'x/unknown',
  ],
];

export const D35: Case = {
  id: 'D35',
  level: 'MUST°',
  rule: 'Every method needs a token, server/discover and subscriptions/listen among them',
  source: 'MCP 2026-07-28 (SEP-2575), security considerations',
  async run(bench) {
    await bench.accepts(bench.token(), modern('server/discover'));
    const before = bench.forwarded.length;
    const messages = Object.fromEntries(METHODS.map((method) => [method, modern(method)]));
    await each({ ...messages, initialize: { body: INIT } }, async (options) => {
      bench.isChallenged(await bench.call(options));
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
