// C3: what is advertised is the header, so nothing else may open the door.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import type { CallOptions } from '../../../kit/http.ts';

export const C3: Case = {
  id: 'C3',
  level: 'MUST°',
  rule: 'Tokens in form bodies, cookies, Proxy-Authorization and Sec-WebSocket-Protocol are ignored',
  source: 'RFC 9728 section 2 (bearer_methods_supported is ["header"]); OAuth 2.1 section 5.1',
  async run(bench) {
    const token = bench.token();
    const carriers: Record<string, CallOptions> = {
      form: {
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: `access_token=${token}`,
      },
      cookie: { headers: { Cookie: `access_token=${token}` } },
      'Proxy-Authorization': { headers: { 'Proxy-Authorization': `Bearer ${token}` } },
      'Sec-WebSocket-Protocol': { headers: { 'Sec-WebSocket-Protocol': `bearer, ${token}` } },
      'X-Access-Token': { headers: { 'X-Access-Token': token, 'X-Forwarded-Access-Token': token } },
      'no scheme': { headers: { Authorization: token } },
    };
    await each(carriers, async (options) => {
      const answer = await bench.call(options);
      if (answer.status !== 415) bench.isChallenged(answer);
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
  },
};
