// A17: what consent screens and catalogues show of a resource, in several languages.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const A17: Case = {
  id: 'A17',
  level: 'MAY',
  rule: 'Name, documentation, policy and terms are published as configured, language variants too',
  source: 'RFC 9728 sections 2 and 2.1',
  needs: {
    resourceName: 'Weather',
    resourceNames: { it: 'Meteo', 'de-CH': 'Wätter' },
    resourceDocumentation: 'https://docs.example.test/mcp',
    resourcePolicyUri: 'https://docs.example.test/policy',
    resourceTosUri: 'https://docs.example.test/terms?v=2',
  },
  async run(bench) {
    assert.partialDeepStrictEqual(await bench.document(), {
      resource_name: 'Weather',
      'resource_name#it': 'Meteo',
      'resource_name#de-CH': 'Wätter',
      resource_documentation: 'https://docs.example.test/mcp',
      resource_policy_uri: 'https://docs.example.test/policy',
      resource_tos_uri: 'https://docs.example.test/terms?v=2',
    });
  },
};
