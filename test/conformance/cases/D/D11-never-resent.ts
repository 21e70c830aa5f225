// D11: a tool that pays a bill must not pay it twice.
import assert from 'node:assert/strict';
import { answerJson } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const D11: Case = {
  id: 'D11',
  level: 'MUST°',
  rule: 'A POST that fails after it was sent gets 502 and is not sent again',
  source: 'RFC 9110 section 9.2.2; RFC 9112 section 9.3.1',
  async run(bench) {
    const whole = { 'at its head': false, 'when it was read': true };
    await each(whole, async (isRead) => {
      bench.upstream.script = answerJson;
      await bench.accepts(bench.token()); // may leave a connection to be used again
      const before = bench.forwarded.length;
      bench.upstream.script = (req) => {
        if (!isRead) req.socket.destroy();
        else req.resume().on('end', () => req.socket.destroy());
      };
      const answer = await bench.callWith(bench.token());
      assert.equal(answer.status, 502);
      assert.equal(bench.forwarded.length, before + 1, 'the MCP server saw it once');
    });
  },
};
