// A10: metadata that names no authorization server leads nowhere.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const A10: Case = {
  id: 'A10',
  level: 'MUST',
  rule: '`authorization_servers` names at least one; without an issuer nothing starts',
  source: 'MCP "Authorization Server Location"',
  async run(bench) {
    const servers = (await bench.document())['authorization_servers'];
    assert.ok(Array.isArray(servers) && servers.length >= 1);
    await bench.refusesToStart({ issuers: [] }, /issuer/i);
  },
};
