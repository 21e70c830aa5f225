// D17: a name that an attacker makes resolve to us is not our name.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const D17: Case = {
  id: 'D17',
  level: 'MUST°',
  rule: 'A request for another host gets 421, and nothing is forwarded',
  source: 'RFC 9110 section 7.4; MCP, "Security Warning" (DNS rebinding)',
  async run(bench) {
    await bench.accepts(bench.token());
    const before = bench.forwarded.length;
    const { port, hostname } = new URL(bench.resource);
    const hosts = [
      ...['evil.test', `evil.test:${port}`, `${hostname}.evil.test:${port}`],
      ...[`evil.test.${hostname}:${port}`, 'localhost', '127.0.0.1'],
    ];
    await each(hosts, async (Host) => {
      for (const method of ['POST', 'GET']) {
        assert.equal(
          (await bench.callWith(bench.token(), { method, headers: { Host } })).status,
          421,
          method,
        );
      }
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
