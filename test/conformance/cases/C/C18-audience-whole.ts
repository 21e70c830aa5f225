// C18: a prefix, a suffix or a part of the identifier is another resource.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { ORIGIN } from '../../needs.ts';

export const C18: Case = {
  id: 'C18',
  level: 'MUST°',
  rule: 'aud is compared as a whole: no prefix, suffix or substring, no other port, scheme or path',
  source: 'RFC 9068 section 4; RFC 8707 section 2',
  async run(bench) {
    const { resource } = bench;
    await bench.accepts(bench.claims({ aud: resource }));
    const audiences = [
      ORIGIN,
      `${ORIGIN}/`,
      `${resource}/x`,
      `${resource}2`,
      `${resource}?x=1`,
      `${resource}#x`,
      `x${resource}`,
      'https://mcp.example.test/mcp',
      'https://mcp.example.test:8002/mcp',
      'https://example.test:8001/mcp',
      'https://mcp.example.test.evil.test:8001/mcp',
      'http://mcp.example.test:8001/mcp',
      `${ORIGIN}/MCP`,
      `${ORIGIN}/%6Dcp`,
      `${ORIGIN}/other/../mcp`,
      'mcp.example.test:8001/mcp',
      '/mcp',
    ];
    await each(Object.fromEntries(audiences.map((aud) => [aud, aud])), async (aud) => {
      await bench.refuses(bench.claims({ aud }));
      await bench.refuses(bench.claims({ aud: [aud, 'x'] }));
    });
  },
};
