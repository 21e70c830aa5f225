// F3: what claude.ai and Claude Code do, step by step: they take a 200 for "no authorization".
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';
import { INIT, message } from '../../../kit/messages.ts';

export const F3: Case = {
  id: 'F3',
  level: 'MUST°',
  rule: 'The first initialize gets 401 with an absolute metadata URL that leads to a document for the URL as typed',
  source: 'RFC 9728 sections 3.3 and 5; behaviour of Claude Code',
  async run(bench) {
    const headers = { 'MCP-Protocol-Version': '2025-06-18', 'User-Agent': 'claude-code/2.0' };
    const first = await bench.call({ body: INIT, headers: { 'User-Agent': 'claude-code/2.0' } });
    bench.isChallenged(first);
    const [challenge] = parseChallenges(first.lines('www-authenticate'));
    const { resource_metadata: found = '' } = parametersOf(challenge ?? assert.fail('no challenge'));
    assert.equal(found, bench.metadataUrl, 'absolute, in the path form');
    const metadata = await bench.get(new URL(found).pathname, { headers });
    assert.equal(metadata.status, 200);
    const document = JSON.parse(metadata.body) as Record<string, unknown>;
    assert.equal(document['resource'], bench.resource, 'the URL as typed');
    assert.deepEqual(document['authorization_servers'], [bench.issuer.issuer]);
    assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    await bench.accepts(bench.token(), { body: INIT });
    await bench.accepts(bench.token(), { body: message('tools/list'), headers });
  },
};
