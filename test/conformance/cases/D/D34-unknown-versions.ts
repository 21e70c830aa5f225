// D34: where a future revision keeps the name of a tool is not known; rules about it would be bypassed.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { modern } from '../../../kit/messages.ts';

const FUTURE = '2099-01-01';

export const D34: Case = {
  id: 'D34',
  level: 'MUST°',
  rule: 'A target that validates messages refuses versions that it does not know with -32022; one that does not, forwards',
  source: 'MCP 2026-07-28, "Protocol Version Header"',
  async run(bench) {
    const future = modern('tools/call', { name: 't' }, { version: FUTURE });
    await bench.accepts(bench.token(), modern('tools/call', { name: 't' }));
    const before = bench.forwarded.length;
    const requests = { 'in both places': future, 'in the body': { body: future.body } };
    await each(requests, async (options, name) => {
      const answer = await bench.callWith(bench.token(), options);
      assert.equal(answer.status, 400);
      assert.equal(bench.forwarded.length, before, 'forwarded');
      if (name !== 'in both places') return; // a missing field may be what is told
      const { id, error } = JSON.parse(answer.body) as {
        id?: unknown;
        error: { code: number; data?: { supported?: string[]; requested?: string } };
      };
      assert.deepEqual([id, error.code, error.data?.requested], [1, -32022, FUTURE]);
      assert.ok(error.data?.supported?.includes('2026-07-28'), answer.body);
    });
    await bench.beside({ transport: { messageChecks: 'Off' } }, async (other) => {
      await other.accepts(other.token(), future);
    });
  },
};
