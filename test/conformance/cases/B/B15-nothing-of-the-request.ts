// B15: a text of the client's in a challenge can end the field, begin another, or end the process.
import assert from 'node:assert/strict';
import { signCompact } from '../../../kit/issuer.ts';
import { parseChallenges } from '../../../kit/challenge.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const HEADERS: Record<string, Record<string, unknown>> = {
  'crit with a line end': { crit: ['marker\r\nX-Injected: y"'] },
  'kid with a line end': { kid: 'marker\r\nX-Injected: y' },
  'kid not in Latin-1': { kid: 'marker \u2028 \u{1F600} é' },
  'kid with quotes': { kid: 'marker", error="none' },
  'alg with a line end': { alg: 'marker\r\nX-Injected: y' },
  'typ with NUL': { typ: 'marker\u0000' },
};

export const B15: Case = {
  id: 'B15',
  level: 'MUST',
  rule: 'A challenge repeats nothing of the request, and its description keeps to the characters allowed',
  source: 'OAuth 2.1 section 5.3.1; RFC 6750 section 3',
  async run(bench) {
    await each(HEADERS, async (changes) => {
      const header = JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: 'k1', ...changes });
      const token = signCompact(header, '{"iss":"marker\\r\\nX-Injected: y"}', bench.key('k1'));
      const ours = signCompact(header, JSON.stringify({ iss: bench.issuer.issuer }), bench.key('k1'));
      for (const bad of [token, ours]) {
        const answer = await bench.callWith(bad);
        assert.equal(answer.status, 401);
        assert.doesNotMatch(answer.text, /marker|injected/i);
        const lines = answer.lines('www-authenticate');
        assert.equal(lines.length, 1);
        for (const { parameters } of parseChallenges(lines)) {
          const description = parameters.find(([name]) => name === 'error_description')?.[1] ?? '';
          assert.match(description, /^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/);
        }
      }
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
    await bench.accepts(bench.token()); // the process is alive
  },
};
