// D18: MCP servers on loopback guard themselves against rebinding: they refuse public names and foreign origins.
import assert from 'node:assert/strict';
import { answerJson } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import type { CallOptions } from '../../../kit/http.ts';
import { INIT, modernCall } from '../../../kit/messages.ts';
import { BROWSER } from '../../needs.ts';

export const D18: Case = {
  id: 'D18',
  level: 'MUST°',
  rule: 'The MCP server gets its own authority as Host, and no Origin',
  source: 'RFC 9110 section 7.2; rebinding guards of the Python and TypeScript SDKs',
  async run(bench) {
    const { host } = new URL(bench.upstream.url);
    bench.upstream.script = (req, res) => {
      // As the guards of the SDKs do.
      if (req.headers.host !== host) res.writeHead(421).end('Invalid Host header');
      else if (req.headers.origin !== undefined) res.writeHead(403).end('Invalid Origin header');
      else answerJson(req, res);
    };
    const requests: Record<string, CallOptions> = {
      'a legacy POST': { body: INIT },
      'a modern POST': modernCall('t'),
      'a GET': { method: 'GET' },
    };
    await each(requests, async (options) => {
      for (const origin of [{}, { Origin: BROWSER }]) {
        const headers = { ...(options.headers as Record<string, string> | undefined), ...origin };
        const { status, body } = await bench.callWith(bench.token(), { ...options, headers });
        assert.equal(status, 200, body);
      }
    });
  },
};
