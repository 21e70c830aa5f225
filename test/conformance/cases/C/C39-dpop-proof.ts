// C39: a proof is for this request, this token, this key, and now.
import assert from 'node:assert/strict';
import type { TokenChanges } from '../../../kit/issuer.ts';
import { now } from '../../bench/bench.ts';
import { DpopClient, dpopFields } from '../../../kit/dpop.ts';
import { each } from '../../bench/each.ts';
import type { Case } from '../../case.ts';

export const C39: Case = {
  id: 'C39',
  level: 'MUST',
  rule: 'With DPoP all checks of a proof are made, and htu is compared with the public URL',
  source: 'RFC 9449 section 4.3; MCP DPoP profile (SEP-1932)',
  needs: { dpop: 'Accept' },
  async run(bench) {
    const key = await DpopClient.create();
    const [other, rsa] = [await DpopClient.create(), bench.key('k1')];
    const bound = () => bench.claims({ cnf: { jkt: key.jkt } });
    const send = (token: string, proofs: readonly string[], options = {}) =>
      bench.call({ ...options, headers: dpopFields(token, ...proofs) });

    const good: Record<string, { htu?: string; path?: string }> = {
      plain: {},
      'a query in the request': { path: `${bench.path}?x=1` },
      'htu with host and scheme in upper case': { htu: bench.resource.replace('https://mcp', 'HTTPS://MCP') },
    };
    await each(good, async ({ htu = bench.resource, path = bench.path }) => {
      const token = bound();
      const answer = await send(token, [key.proof({ url: htu, token })], { path });
      assert.equal(answer.status, 200, answer.body);
    });
    const token = bound();
    const get = await send(token, [key.proof({ url: bench.resource, token, method: 'GET' })], {
      method: 'GET',
    });
    assert.equal(get.status, 200, 'GET');

    const { d } = key.key.privateKey.export({ format: 'jwk' });
    const proof = (changes: TokenChanges = {}, url = bench.resource) => [
      key.proof({ url, token, ...changes }),
    ];
    const claims = (changes: Record<string, unknown>) => proof({ claims: changes });
    const header = (changes: Record<string, unknown>) => proof({ header: changes });
    const bad: Record<string, readonly string[]> = {
      'no proof': [],
      'two proofs': [...proof(), ...proof()],
      'two in a list': [[...proof(), ...proof()].join(', ')],
      'not a JWT': ['x'],
      'no jti': claims({ jti: undefined }),
      'no htm': claims({ htm: undefined }),
      'no htu': claims({ htu: undefined }),
      'no iat': claims({ iat: undefined }),
      'no ath': claims({ ath: undefined }),
      'typ JWT': header({ typ: 'JWT' }),
      'no typ': header({ typ: undefined }),
      'alg none': header({ alg: 'none' }),
      'alg HS256': header({ alg: 'HS256' }),
      'no jwk': header({ jwk: undefined }),
      'signed by another key': proof({ key: other.key }),
      'jwk with its private part': header({ jwk: { ...key.jwk, d } }),
      'jwk symmetric': header({ jwk: { kty: 'oct', k: 'c2VjcmV0' } }),
      'another method': claims({ htm: 'GET' }),
      'method in lower case': claims({ htm: 'post' }),
      'another URL': proof({}, 'https://other.test/mcp'),
      'the inner URL': proof({}, bench.setup.upstream),
      'another path': proof({}, `${bench.resource}/x`),
      'another port': proof({}, bench.resource.replace(':8001', '')),
      'too old': claims({ iat: now() - 400 }),
      'of the future': claims({ iat: now() + 400 }),
      'iat a string': claims({ iat: String(now()) }),
      'of another token': [key.proof({ url: bench.resource, token: bound() })],
      'jwk of another key, signed by it': [other.proof({ url: bench.resource, token })],
      'an access token as proof': [token],
      crit: header({ crit: ['x'], x: 1 }),
      'RSA key that the token is not bound to': proof({
        key: rsa,
        header: { alg: 'RS256', jwk: { kty: rsa.jwk.kty, n: rsa.jwk.n, e: rsa.jwk.e } },
      }),
    };
    await each(bad, async (proofs) => {
      const before = bench.forwarded.length;
      const answer = await send(token, proofs);
      assert.equal(answer.status, 401, answer.body);
      assert.equal(bench.forwarded.length, before, 'requests at the MCP server');
    });
    const unbound = bench.token();
    const answer = await send(unbound, [key.proof({ url: bench.resource, token: unbound })]);
    assert.equal(answer.status, 401, 'a token that is bound to no key, with the DPoP scheme');
  },
};
