// B9: a shortfall is told as such, with what is missing, so that the client can step up. Per tool: section E.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const B9: Case = {
  id: 'B9',
  level: 'SHOULD',
  rule: 'A good token without the scope gets 403 insufficient_scope with scope and metadata URL',
  source: 'MCP "Runtime Insufficient Scope Errors"; RFC 6750 section 3.1',
  needs: { requiredScopes: ['mcp:basic', 'mcp:write'], scopesSupported: ['mcp:basic', 'mcp:write'] },
  async run(bench) {
    const full = 'mcp:basic mcp:write';
    await bench.accepts(bench.claims({ scope: full }));
    await each({ 'one of two': 'mcp:basic', another: 'openid', none: undefined }, async (scope) => {
      await bench.refuses(bench.claims({ scope }), 'insufficient_scope', full);
    });
  },
};
