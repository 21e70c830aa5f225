// D17: a name that an attacker makes resolve to us is not our name.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

/** RFC 9110 section 7.4 has a word for it, 421, and commands none. */
const REFUSALS = [400, 403, 421];

export const D17: Case = {
  id: 'D17',
  level: 'MUST°',
  rule: 'A request for another host is refused, with 421 or another status of refusal, and nothing is forwarded',
  source: 'RFC 9110 section 7.4; MCP, "Security Warning" (DNS rebinding)',
  async run(bench) {
    await bench.accepts(bench.token());
    const { port, hostname } = new URL(bench.resource);
    const hosts = [
      ...['evil.test', `evil.test:${port}`, `${hostname}.evil.test:${port}`],
      ...[`evil.test.${hostname}:${port}`, '192.0.2.1'],
    ];
    await each(hosts, async (Host) => {
      const before = bench.forwarded.length;
      for (const method of ['POST', 'GET']) {
        const { status } = await bench.callWith(bench.token(), { method, headers: { Host } });
        assert.ok(
          REFUSALS.includes(status),
          `${method}: came ${status}, expected one of ${REFUSALS.join(', ')}`,
        );
      }
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
