// G10: who may not call need not send the body first, nor may he occupy us with it.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { exchange, settles, wire } from '../../bench/wire.ts';

const LENGTH = 'Content-Length: 1000000';

export const G10: Case = {
  id: 'G10',
  level: 'SHOULD°',
  rule: 'A 401 does not wait for the body, sends no 100 Continue, and ends a connection whose body is unread',
  source: 'RFC 9110 section 10.1.1; RFC 9112 section 9.3',
  async run(bench) {
    const expects = [LENGTH, 'Expect: 100-continue'];
    const good = await exchange(bench, wire(bench, { token: bench.token(), framing: expects, body: '' }));
    assert.deepEqual(good.statuses, [100], 'the control: a good request is told to go on');
    good.destroy();
    const framings = { Expect: expects, 'a length': [LENGTH], chunked: ['Transfer-Encoding: chunked'] };
    await each(framings, async (framing) => {
      for (const token of [undefined, 'garbage']) {
        const connection = await exchange(bench, wire(bench, { token, framing, body: '' }), 2_000);
        assert.deepEqual(connection.statuses, [401]);
        const closed = await settles(() => connection.closed, 5_000);
        connection.destroy();
        assert.ok(closed, 'the connection waits for a body that is not read');
        assert.equal(bench.forwarded.length, 0);
      }
    });
  },
};
