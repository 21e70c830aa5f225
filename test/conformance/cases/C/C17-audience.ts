// C17: a token for another resource is not ours to accept.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C17: Case = {
  id: 'C17',
  level: 'MUST',
  rule: 'A token whose aud does not name this resource, or is no string or list of strings, is refused',
  source: 'RFC 9068 section 4; RFC 8707 section 2; MCP "Token Audience Binding and Validation"',
  async run(bench) {
    const { resource } = bench;
    const ours = { string: resource, 'one of two': ['x', resource], 'a list of one': [resource] };
    await each(ours, async (aud) => void (await bench.accepts(bench.claims({ aud }))));
    const others = {
      missing: undefined,
      null: null,
      'empty list': [],
      object: {},
      'object with ours': { '0': resource, length: 1 },
      number: 1,
      'list of numbers': [1],
      'list in a list': [[resource]],
      'a string of two': `${resource} x`,
      another: 'https://other.test/mcp',
      empty: '',
    };
    await each(others, async (aud) => void (await bench.refuses(bench.claims({ aud }))));
  },
};
