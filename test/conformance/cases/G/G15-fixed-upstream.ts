// G15: the inner link carries requests that are taken for authorized; nothing but the configuration says where it leads.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const G15: Case = {
  id: 'G15',
  level: 'MUST°',
  rule: 'The MCP server is on loopback as configured, and its redirects are not followed',
  source: 'RFC 9700 section 4.13; MCP Streamable HTTP "Security Warning"',
  async run(bench) {
    await bench.accepts(bench.token());
    const addresses = [
      'http://10.0.0.5:8000/mcp',
      'http://mcp.example.test:8000/mcp',
      'http://0.0.0.0:8000/mcp',
    ];
    await each(addresses, async (upstream) => void (await bench.refusesToStart({ upstream })));

    const stranger = createServer((_, res) => res.end('{"found":"elsewhere"}'));
    let asked = 0;
    stranger.on('request', () => asked++);
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`;
    try {
      await each([301, 302, 303, 307, 308], async (status) => {
        const before = bench.forwarded.length;
        bench.upstream.script = (req, res) => {
          req.resume();
          res.writeHead(status, { Location: elsewhere });
          res.end();
        };
        const answer = await bench.callWith(bench.token());
        assert.ok(!answer.body.includes('elsewhere'), answer.body);
        assert.notEqual(answer.status, 200);
        assert.equal(bench.forwarded.length, before + 1);
        assert.equal(asked, 0, 'the redirect was followed');
      });
    } finally {
      stranger.close();
    }
  },
};
