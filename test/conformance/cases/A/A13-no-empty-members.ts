// A13: a member without a value says something; it must be left out.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const A13: Case = {
  id: 'A13',
  level: 'MUST',
  rule: 'Members that have no value are left out of the metadata',
  source: 'RFC 9728 section 3.2',
  needs: { requiredScopes: [], scopesSupported: [] },
  async run(bench) {
    const document = await bench.document();
    assert.ok(!('scopes_supported' in document), 'scopes_supported');
    for (const [name, value] of Object.entries(document)) {
      assert.ok(value !== null && value !== '', name);
      assert.ok(name === 'bearer_methods_supported' || !Array.isArray(value) || value.length > 0, name);
    }
  },
};
