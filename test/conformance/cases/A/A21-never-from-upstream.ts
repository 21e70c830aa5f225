// A21: the server's own metadata, if it has any, would name another resource and other authorization servers.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { WELL_KNOWN } from '../../needs.ts';

export const A21: Case = {
  id: 'A21',
  level: 'MUST°',
  rule: 'No request for metadata reaches the MCP server, whatever it would answer',
  source: 'RFC 9728 section 7.3',
  async run(bench) {
    bench.upstream.script = (req, res) => {
      req.resume();
      res.end('{"resource":"https://evil.test","authorization_servers":["https://evil.test"]}');
    };
    const document = await bench.document();
    assert.equal(document['resource'], bench.resource);
    const paths = [bench.metadataPath, WELL_KNOWN, `${WELL_KNOWN}/other`, `${WELL_KNOWN}2`, `${WELL_KNOWN}/`];
    await each(Object.fromEntries(paths.map((path) => [path, path])), async (path) => {
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS']) {
        const answer = await bench.callWith(bench.token(), { method, path });
        assert.ok(!answer.text.includes('evil.test'), answer.text);
      }
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
  },
};
