// A8: one spelling of the identifier, the one that clients make of what people type.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { WELL_KNOWN } from '../../needs.ts';

const VARIANTS: Record<string, { configured: string; published: string; path: string }> = {
  'scheme and host in lower case, default port dropped': {
    configured: 'HTTPS://MCP.Example.test:443/mcp',
    published: 'https://mcp.example.test/mcp',
    path: '/mcp',
  },
  'an origin gets no slash': {
    configured: 'https://mcp.example.test',
    published: 'https://mcp.example.test',
    path: '',
  },
  'the path stays as it is': {
    configured: 'https://mcp.example.test:8001/MCP/%7Euser',
    published: 'https://mcp.example.test:8001/MCP/%7Euser',
    path: '/MCP/%7Euser',
  },
};

export const A8: Case = {
  id: 'A8',
  level: 'SHOULD',
  rule: 'The identifier is published in canonical form: scheme, host and default port; never a slash of our own',
  source: 'MCP "Canonical Server URI"',
  async run(bench) {
    await each(VARIANTS, ({ configured, published, path }) =>
      bench.beside({ resource: configured, audiences: [published] }, async (other) => {
        const answer = await other.get(WELL_KNOWN + path);
        assert.equal(answer.status, 200, `no document at ${WELL_KNOWN + path}`);
        assert.equal((JSON.parse(answer.body) as { resource: string }).resource, published);
        const challenge = (await other.call()).headers['www-authenticate'] ?? '';
        const url = `${new URL(published).origin}${WELL_KNOWN}${path}`;
        assert.ok(challenge.includes(`resource_metadata="${url}"`), challenge);
        await other.accepts(other.token());
      }),
    );
  },
};
