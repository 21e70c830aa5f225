// C37: an opaque token is worth what the authorization server says of it, now.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { now, type Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import { INTROSPECTION_CLIENT } from '../../bench/world.ts';
import { IntrospectionEndpoint } from '../../../kit/introspection.ts';
import type { Case } from '../../case.ts';

export const C37: Case = {
  id: 'C37',
  level: 'MAY',
  rule: 'An opaque token passes if introspection says active: true and the rules for claims are kept; never past exp',
  source: 'RFC 7662 sections 2 and 4',
  needs: { introspection: true },
  own: true,
  async run(bench) {
    const endpoint = new IntrospectionEndpoint(bench.issuer);
    const says = (body: unknown) => (endpoint.answer = () => JSON.stringify(body));
    says(said(bench));
    const good = opaque(bench);
    await bench.accepts(good);
    assert.equal(endpoint.questions[0]?.form.get('token'), good);
    const { clientId, clientSecret } = INTROSPECTION_CLIENT;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    assert.equal(endpoint.questions[0]?.authorization, `Basic ${basic}`, 'the call is authenticated');

    for (const token_type of [undefined, 'bearer', 'BEARER', 'access_token']) {
      says({ ...said(bench), token_type });
      await bench.accepts(opaque(bench));
    }
    says(said(bench));
    const inactive = {
      'active: "true"': { ...said(bench), active: 'true' },
      'active: 1': { ...said(bench), active: 1 },
      'active: false': { ...said(bench), active: false },
      'no active': { ...said(bench), active: undefined },
      'another audience': { ...said(bench), aud: 'https://other.test/mcp' },
      'another issuer': { ...said(bench), iss: 'https://other.test' },
      'the token_type of a refresh token': { ...said(bench), token_type: 'refresh_token' },
      'token_type Refresh': { ...said(bench), token_type: 'Refresh' },
      'the token_type of an ID token': { ...said(bench), token_type: 'id_token' },
      'token_type N_A': { ...said(bench), token_type: 'N_A' },
      'token_type of no text': { ...said(bench), token_type: ['Bearer'] },
      'typ Refresh beside token_type Bearer': { ...said(bench), typ: 'Refresh' },
      'typ Offline': { ...said(bench), typ: 'Offline', token_type: undefined },
      'typ ID': { ...said(bench), typ: 'ID' },
      'token_use refresh_token': { ...said(bench), token_use: 'refresh_token' },
      'nonce of an ID token': { ...said(bench), nonce: 'n', token_type: undefined },
      expired: { ...said(bench), exp: now() - 60 },
      null: null,
      'a list': [said(bench)],
    };
    await each(inactive, async (body) => {
      says(body);
      const { status } = await bench.callWith(opaque(bench));
      // No object is no answer of an authorization server, as no answer is.
      const isFailure = (body === null || Array.isArray(body)) && status === 503;
      if (!isFailure) assert.equal(status, 401, 'status');
    });
    says({ ...said(bench), scope: 'openid' });
    await bench.refuses(opaque(bench), 'insufficient_scope');
    endpoint.status = 500;
    assert.equal((await bench.callWith(opaque(bench))).status, 503, 'the authorization server fails');
    assert.equal(bench.forwarded.length, 5, 'requests at the MCP server');

    endpoint.status = 200;
    says({ ...said(bench), exp: now() + 120 });
    const short = opaque(bench);
    await bench.accepts(short);
    await bench.advance(150_000);
    says({ active: false });
    await bench.refuses(short);
  },
};

function opaque(bench: Bench): string {
  const token = randomBytes(24).toString('hex');
  bench.session.tokens.add(token);
  return token;
}

function said({ issuer, resource }: Bench) {
  return {
    active: true,
    iss: issuer.issuer,
    aud: resource,
    sub: 'alice',
    client_id: 'c1',
    scope: 'mcp:basic',
    token_type: 'Bearer',
    iat: now(),
    exp: now() + 300,
  };
}
