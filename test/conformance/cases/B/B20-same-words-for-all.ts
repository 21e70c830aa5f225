// B20: a body that tells which check failed helps who tries tokens; the log is for who runs the server.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { now } from '../../bench/bench.ts';

export const B20: Case = {
  id: 'B20',
  level: 'SHOULD°',
  rule: 'Bodies of refusals are small JSON, the same for every bad token but for an id that the log has too; never cached',
  source: 'MCP security best practices, error detail leakage',
  async run(bench) {
    const tokens = [
      bench.claims({ aud: 'https://other.test/mcp' }),
      bench.claims({ iss: 'https://other.test' }),
      bench.claims({ exp: now() - 60 }),
      bench.token({ key: bench.world.stranger.keys[0]! }),
      'not-a-jwt',
    ];
    const bodies = new Set<string>();
    for (const token of tokens) {
      const answer = await bench.callWith(token);
      assert.equal(answer.status, 401);
      assert.match(answer.headers['cache-control'] ?? '', /no-store/, 'Cache-Control of a refusal');
      assert.ok(answer.body.length < 1024, `a body of ${answer.body.length} bytes`);
      const { request_id: id, ...rest } = JSON.parse(answer.body) as Record<string, unknown>;
      assert.ok(id === undefined || typeof id === 'string');
      bodies.add(JSON.stringify(rest));
    }
    assert.equal(bodies.size, 1, `different bodies: ${[...bodies].join(' ')}`);
    const { headers } = await bench.call();
    assert.match(headers['cache-control'] ?? '', /no-store/, 'Cache-Control without credentials');
  },
};
