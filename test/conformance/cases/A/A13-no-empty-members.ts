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
    for (const [name, value] of Object.entries(document)) {
      const isEmpty = value === null || value === '' || (Array.isArray(value) && value.length === 0);
      assert.ok(!isEmpty || name === 'bearer_methods_supported', `${name} is ${JSON.stringify(value)}`);
    }
    assert.ok(!('scopes_supported' in document), 'scopes_supported is there although none is configured');
  },
};
