// B12: a scope that includes another must be enough.
import type { Case } from '../../case.ts';
import type { Needs } from '../../needs.ts';

const NEEDS: Needs = { requiredScopes: ['mcp:write'], scopesSupported: ['mcp:write', 'mcp:admin'] };

export const B12: Case = {
  id: 'B12',
  level: 'MUST',
  rule: 'A scope that includes the required one suffices, where the configuration says so and only there',
  source: 'MCP 2026-07-28 "Step-Up Authorization Flow"',
  needs: { ...NEEDS, scopeHierarchy: { 'mcp:admin': ['mcp:write'] } },
  async run(bench) {
    await bench.accepts(bench.claims({ scope: 'mcp:write' }));
    await bench.accepts(bench.claims({ scope: 'mcp:admin' }));
    await bench.refuses(bench.claims({ scope: 'mcp:administrator' }), 'insufficient_scope');
    await bench.beside(NEEDS, async (other) => {
      await other.refuses(other.claims({ scope: 'mcp:admin' }), 'insufficient_scope');
    });
  },
};
