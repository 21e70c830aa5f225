// B8: a 403 for an expired token sends the client to ask for scopes it may have, with a token that is worth nothing.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

export const B8: Case = {
  id: 'B8',
  level: 'MUST°',
  rule: 'Authenticity and lifetime are checked before scope',
  source: 'follows from MCP "Token Handling" (401 for expired tokens)',
  async run(bench) {
    await bench.refuses(bench.claims({ scope: 'openid' }), 'insufficient_scope');
    const changes = {
      expired: { exp: now() - 60 },
      'wrong audience': { aud: 'https://other.test/mcp' },
      'wrong issuer': { iss: 'https://other.test' },
    };
    await each(
      changes,
      async (claims) => void (await bench.refuses(bench.claims({ ...claims, scope: 'openid' }))),
    );
  },
};
