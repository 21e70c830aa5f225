// C5: an attacker who may send a megabyte to be verified can keep the processor busy.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

/** Far more than refusing takes on a busy machine, far less than waiting for something (milliseconds). */
const SOON_MS = 3_000;

const REFUSALS = [400, 401, 413, 431];

export const C5: Case = {
  id: 'C5',
  level: 'MUST°',
  rule: 'A token longer than 16 KiB is refused at once, however good it is',
  source: 'RFC 9110 section 5.4; RFC 6585 section 5',
  async run(bench) {
    await bench.accepts(bench.claims({ padding: 'x'.repeat(4_000) }));
    await each({ '17 KiB': 13_000, '1 MiB': 790_000 }, async (length) => {
      const token = bench.claims({ padding: 'x'.repeat(length) });
      assert.ok(token.length > 16 * 1024);
      const connection = await bench.raw();
      const startedAt = performance.now();
      connection.send(
        `GET ${bench.path} HTTP/1.1\r\nHost: ${bench.host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
      const [status = 431] = await connection.waitForStatuses(1); // or the connection is closed
      assert.ok(REFUSALS.includes(status), `status: came ${status}, expected one of ${REFUSALS.join(', ')}`);
      assert.ok(performance.now() - startedAt < SOON_MS, 'not at once');
      connection.destroy();
      assert.equal(bench.forwarded.length, 1, 'requests at the MCP server');
    });
  },
};
