// C10: the maker of a token must not choose the key that it is verified with, nor which server is asked for keys.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C10: Case = {
  id: 'C10',
  level: 'SHOULD',
  rule: 'jku, x5u, jwk and x5c of the token are never used, and cause no request',
  source: 'RFC 8725 section 3.10; RFC 7515 sections 4.1.2 to 4.1.6',
  async run(bench) {
    await bench.accepts(bench.token());
    const { stranger } = bench.world;
    const key = stranger.keys[0]!;
    const { cert, key: pem } = bench.session.certificate;
    const privateKey = createPrivateKey(pem);
    const certified = { ...key, alg: 'ES256', privateKey };
    const x5c = [new X509Certificate(cert).raw.toString('base64')];
    const tokens = {
      jwk: bench.token({ key, header: { jwk: key.jwk } }),
      'jwk and no kid': bench.token({ key, header: { jwk: key.jwk, kid: undefined } }),
      jku: bench.token({ key, header: { jku: stranger.jwksUri } }),
      'jku and an unknown kid': bench.token({ key, header: { jku: stranger.jwksUri, kid: 'new' } }),
      x5u: bench.token({ key, header: { x5u: new URL('/x5u', stranger.issuer).href } }),
      x5c: bench.token({ key: certified, header: { x5c } }),
    };
    await each(tokens, (token) => bench.refusesUnknownKey(token));
    assert.deepEqual(stranger.record, [], 'the stranger was asked');
  },
};
