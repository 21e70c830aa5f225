// F6: clients that cannot step up must be able to ask for everything when they log in.
import type { Case } from '../../case.ts';

export const F6: Case = {
  id: 'F6',
  level: 'SHOULD°',
  rule: 'The first challenge can name all scopes, while the operation still needs its own only',
  source: 'MCP "Scope Selection Strategy"; reports about step-up in Claude Code',
  needs: { initialScopes: 'All', scopesSupported: ['mcp:basic', 'mcp:write', 'mcp:admin'] },
  async run(bench) {
    await bench.accepts(bench.claims({ scope: 'mcp:basic' }));
    bench.isRefused(await bench.call(), 'none', 'mcp:basic mcp:write mcp:admin');
    await bench.refuses(bench.claims({ scope: 'openid' }), 'insufficient_scope', 'mcp:basic');
  },
};
