// A14: clients ask for everything that is listed, so the list is what basic use needs.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

const CATALOGUE = Array.from({ length: 12 }, (_, index) => `mcp:tool-${index}`);

export const A14: Case = {
  id: 'A14',
  level: 'SHOULD',
  rule: '`scopes_supported` is the minimal set, not the catalogue, and never offline_access',
  source: 'MCP 2026-07-28 "Scope Selection Strategy", "Refresh Tokens"; best practices "Scope Minimization"',
  needs: { scopesSupported: ['mcp:basic', 'offline_access'], scopeHierarchy: { 'mcp:admin': CATALOGUE } },
  async run(bench) {
    assert.deepEqual((await bench.document())['scopes_supported'], ['mcp:basic']);
    assert.match(bench.log, /offline_access/, 'a warning names what is dropped');
  },
};
