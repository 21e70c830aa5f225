// D2: MCP frameworks redirect between /mcp and /mcp/, to the address that they listen at.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const D2: Case = {
  id: 'D2',
  level: 'MUST°',
  rule: 'The path with a slash is an alias or 404, and no redirect names the MCP server’s address',
  source: 'RFC 9110 sections 7.6 and 10.2.2; FastMCP and Starlette redirect so',
  async run(bench) {
    await bench.accepts(bench.token());
    const slash = await bench.callWith(bench.token(), { path: `${bench.path}/` });
    assert.ok(slash.status === 404 || slash.status === 200, `with a slash: ${slash.status}`);
    const path = new URL(bench.upstream.url).pathname;
    for (const { url } of bench.forwarded) assert.equal(url, path, 'the configured path of the server');
    await each(['301', '302', '307', '308'], async (status) => {
      bench.upstream.script = (req, res) => {
        req.resume();
        res.writeHead(Number(status), { Location: `${bench.upstream.url}/` }).end();
      };
      const answer = await bench.callWith(bench.token());
      assert.ok(!answer.text.includes('127.0.0.1'), answer.text);
      const location = answer.headers.location ?? bench.resource;
      assert.ok(location.startsWith(bench.resource), location);
    });
  },
};
