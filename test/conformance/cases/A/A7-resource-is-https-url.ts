// A7: an identifier that no client can use is a mistake to be told at the start.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const WRONG = [
  'http://mcp.example.test/mcp',
  'https://mcp.example.test/mcp#x',
  'https://mcp.example.test/mcp?x=1',
  'mcp.example.test/mcp',
  'https://u:p@mcp.example.test/mcp',
];

export const A7: Case = {
  id: 'A7',
  level: 'MUST',
  rule: 'A resource identifier that is no https URL, or has fragment, query or user info, is refused at the start',
  source: 'RFC 9728 section 1.2; RFC 8707 section 2; MCP "Canonical Server URI"',
  async run(bench) {
    await each(Object.fromEntries(WRONG.map((value) => [value, value])), async (resource) => {
      assert.match(await bench.refusesToStart({ resource }), /resource/i, 'the message names the field');
    });
  },
};
