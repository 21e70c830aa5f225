// G1: servers believe a proxy's headers; so only the proxy may write them.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { IDENTITY } from '../../needs.ts';

const NAMES = [
  'X-MCP-Subject',
  'x-mcp-subject',
  'x_mcp_subject',
  'X-Mcp_Subject',
  'X-Forwarded-User',
  'X_Forwarded_For',
  'X-Forwarded-Email',
  'X-Forwarded-Client-Cert',
  'Forwarded',
  'X-Real-IP',
  'SSL-Client-Verify',
  'SSL_CLIENT_S_DN',
  'Remote-User',
  'REMOTE_USER',
  'X-Remote-User',
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Client-Cert',
  'X-SSL-Client-Cert',
  'X-Original-URL',
  'Proxy-User',
];

export const G1: Case = {
  id: 'G1',
  level: 'MUST',
  rule: 'No field that a server takes for a proxy’s word reaches it from a client, in any spelling',
  source: 'RFC 9700 section 4.13',
  async run(bench) {
    await bench.accepts(bench.token(), { headers: { 'X-Harmless': 'root' } });
    assert.equal(bench.forwarded[0]?.headers['x-harmless'], 'root', 'other fields are forwarded');
    await each(NAMES, async (name) => {
      await bench.accepts(bench.token(), { headers: { [name]: 'root' } });
      const { rawHeaders = [], headers } = bench.forwarded.at(-1) ?? {};
      assert.ok(!rawHeaders.includes('root'), `forwarded: ${rawHeaders.join(' ')}`);
      assert.equal(headers?.[IDENTITY.toLowerCase()], 'alice', 'ours alone says who it is');
    });
  },
};
