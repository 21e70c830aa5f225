// B10: scopes named one after another are one log-in after another.
import type { Case } from '../../case.ts';

export const B10: Case = {
  id: 'B10',
  level: 'SHOULD',
  rule: 'One challenge names all scopes of the operation',
  source: 'MCP 2026-07-28 "Runtime Insufficient Scope Errors" (SEP-2350)',
  needs: { requiredScopes: ['a', 'b'], scopesSupported: ['a', 'b', 'c'] },
  async run(bench) {
    await bench.accepts(bench.claims({ scope: 'b a' }));
    await bench.refuses(bench.claims({ scope: 'c' }), 'insufficient_scope', 'a b');
  },
};
