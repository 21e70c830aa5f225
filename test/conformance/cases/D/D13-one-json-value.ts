// D13: what we cannot read, the server might read otherwise.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { call } from '../../../kit/messages.ts';

export const D13: Case = {
  id: 'D13',
  level: 'MUST°',
  rule: 'A body that is not one JSON value gets 400 with the JSON-RPC error -32700 and no id',
  source: 'JSON-RPC 2.0 section 5.1',
  async run(bench) {
    const token = bench.token();
    await bench.accepts(token);
    const before = bench.forwarded.length;
    const one = call('read_file');
    const bodies = {
      'the beginning of one': '{',
      nothing: '',
      'two of them': one + one,
      'two lines': `${one}\n${one}`,
    };
    await each(bodies, async (body) => {
      const answer = await bench.callWith(token, { body });
      assert.equal(answer.status, 400);
      const { error, ...rest } = JSON.parse(answer.body) as { error?: { code?: number } };
      assert.equal(error?.code, -32700);
      assert.deepEqual(rest, { jsonrpc: '2.0' });
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
