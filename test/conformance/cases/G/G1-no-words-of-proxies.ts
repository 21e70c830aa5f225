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
  // What a list of known ones would miss.
  'X-Tenant-Id',
  'X-Org-Id',
  'X-Role',
  'X-Principal',
  'X-Hasura-Role',
  'X-Amzn-Mtls-Clientcert-Subject',
  'X-Apigateway-Api-Userinfo',
  'X-Kubernetes-User',
  'Teleport-Jwt-Assertion',
  'Cf-Access-Jwt-Assertion',
  'Iv-User',
  'SM_USERDN',
  'Oam-Remote-User',
  'Eppn',
  'X-Sandstorm-User-Id',
  'L5d-Client-Id',
  'X-Api-Key',
  'Cookie',
  'X-Accel-Redirect',
  'X-Of-Tomorrow',
  'Mcp-Subject',
  'X.Mcp.Subject',
];

export const G1: Case = {
  id: 'G1',
  level: 'MUST',
  rule: 'No field that a server could take for a proxy’s word reaches it from a client: only fields known to be harmless do',
  source: 'RFC 9700 section 4.13',
  async run(bench) {
    const harmless = ['Traceparent', 'X-Request-Id', 'X-MCP-Toolsets', 'Accept-Language', 'Mcp-Param-Region'];
    await each(harmless, async (name) => {
      await bench.accepts(bench.token(), { headers: { [name]: 'root' } });
      assert.equal(bench.forwarded.at(-1)?.headers[name.toLowerCase()], 'root', 'forwarded');
    });
    await each(NAMES, async (name) => {
      await bench.accepts(bench.token(), { headers: { [name]: 'root' } });
      const { rawHeaders = [], headers } = bench.forwarded.at(-1) ?? {};
      assert.ok(!rawHeaders.includes('root'), `forwarded: ${rawHeaders.join(' ')}`);
      assert.equal(headers?.[IDENTITY.toLowerCase()], 'alice', 'ours alone says who it is');
    });
  },
};
