// C4: of two tokens one reader takes the first and the next the last.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C4: Case = {
  id: 'C4',
  level: 'MUST°',
  rule: 'Two Authorization fields, or a list in one, get 400, whatever the order',
  source: 'RFC 9449 section 7.2; RFC 6750 section 3.1',
  async run(bench) {
    const alice = `Authorization: Bearer ${bench.token()}\r\n`;
    const bob = `Authorization: Bearer ${bench.bob}\r\n`;
    const bad = 'authorization: Bearer x\r\n';
    const heads = {
      'two good': alice + bob,
      'the other order': bob + alice,
      'bad first': bad + alice,
      'bad last': alice + bad,
    };
    await each(heads, async (fields) => {
      const connection = await bench.raw();
      connection.send(`GET ${bench.path} HTTP/1.1\r\nHost: ${bench.host}\r\n${fields}\r\n`);
      assert.deepEqual(await connection.waitForStatuses(1), [400]);
      connection.destroy();
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
    const list = await bench.callWith(`${bench.token()}, Bearer ${bench.bob}`);
    bench.isRefused(list, 'invalid_request');
  },
};
