// Opaque tokens (RFC 7662): what the authorization server must say, how often it is asked, and what happens without it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { assertRefused } from '../support/challenge.ts';
import { DpopClient } from '../kit/dpop.ts';
import { IntrospectionEndpoint } from '../kit/introspection.ts';
import { CLIENT_ID, CLIENT_SECRET, withIntrospection } from '../support/introspection.ts';
import { type Answer } from '../kit/http.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

let bed: TestBed;
let endpoint: IntrospectionEndpoint;
before(async () => {
  bed = await TestBed.start({
    issuerUp: false, // its metadata is to name the endpoint when it is first looked at
    config: (defaults) => ({
      ...withIntrospection(defaults),
      dpop: { mode: 'Accept', proofLifetimeSeconds: 60, nonces: 'Off' },
    }),
  });
  endpoint = new IntrospectionEndpoint(bed.issuer);
  bed.issuer.up = true;
  await bed.ready();
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
  endpoint.questions.length = 0;
  endpoint.status = 200;
  endpoint.answer = () => endpoint.active();
});

const now = () => Math.floor(Date.now() / 1000);
/** Not a JWT, not seen before. */
const opaque = () => `op_${crypto.randomUUID()}-~+/==`;
const says = (changes: Record<string, unknown>) => (endpoint.answer = () => endpoint.active(changes));

function assertUnavailable(answer: Answer): void {
  assert.equal(answer.status, 503, answer.body);
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
  assert.equal(answer.headers['www-authenticate'], undefined);
  assert.deepEqual(bed.upstream.requests, []);
}

function assertInvalid(answer: Answer): void {
  assert.equal(answer.status, 401, answer.body);
  assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer error="invalid_token", /);
  assert.deepEqual(bed.upstream.requests, []);
}

describe('an opaque token is accepted', () => {
  const cases: Record<string, Record<string, unknown>> = {
    'when it is active': {},
    'without iss: it is the issuer that answers': { iss: undefined },
    'with the client in azp': { client_id: undefined, azp: 'c1' },
    'with one of several audiences': { aud: ['account', 'echo-mcp-server'] },
    'with no token_type, which may be left out': { token_type: undefined },
    'with token_type access_token, as Duende says it': { token_type: 'access_token' },
    'with unknown members': { username: 'a', extension_field: { a: [1] } },
  };
  for (const [name, changes] of Object.entries(cases)) {
    it(name, async () => {
      says(changes);
      const answer = await bed.callWith(opaque());
      assert.equal(answer.status, 200, answer.body);
      assert.equal(bed.upstream.requests[0]?.headers['x-mcp-subject'], 'alice');
    });
  }

  it('by a POST with our credentials, form-encoded each (RFC 6749 section 2.3.1)', async () => {
    const token = opaque();
    assert.equal((await bed.callWith(token)).status, 200);
    const [question] = endpoint.questions;
    assert.equal(question?.method, 'POST');
    assert.equal(question.contentType, 'application/x-www-form-urlencoded');
    assert.deepEqual(
      [...question.form],
      [
        ['token', token],
        ['token_type_hint', 'access_token'],
      ],
    );
    const [scheme, value = ''] = (question.authorization ?? '').split(' ');
    assert.equal(scheme, 'Basic');
    const parts = Buffer.from(value, 'base64').toString().split(':');
    assert.deepEqual(
      parts.map((part) => decodeURIComponent(part.replaceAll('+', ' '))),
      [CLIENT_ID, CLIENT_SECRET],
    );
  });

  it('once for many: what was said is remembered, and those who come at once share one question', async () => {
    const token = opaque();
    const answers = await Promise.all(Array.from({ length: 30 }, () => bed.callWith(token)));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal((await bed.callWith(token)).status, 200);
    assert.equal(endpoint.questions.length, 1);
  });

  it('bound to a key: with its proof, and not without', async () => {
    const client = await DpopClient.create();
    says({ cnf: { jkt: client.jkt }, token_type: 'DPoP' });
    const token = opaque();
    assert.equal((await bed.call({ headers: client.fields(token) })).status, 200);
    bed.upstream.requests.length = 0;
    assertInvalid(await bed.callWith(token));
  });

  it('while JWTs are verified by their signature, and no server is asked', async () => {
    assert.equal((await bed.callWith(bed.issuer.token())).status, 200);
    bed.upstream.requests.length = 0;
    assertInvalid(await bed.callWith(bed.issuer.token({ claims: { exp: 0 } })));
    assertInvalid(await bed.callWith('eyJhbGciOiJub25lIn0.e30.AA'));
    assert.deepEqual(endpoint.questions, []);
  });
});

describe('an opaque token is refused', () => {
  const cases: Record<string, () => string> = {
    'active is null': () => endpoint.active({ active: null }),
    'iss not a text': () => endpoint.active({ iss: [bed.issuer.issuer] }),
    'no audience': () => endpoint.active({ aud: undefined }),
    'no expiry': () => endpoint.active({ exp: undefined }),
    'expiry a text': () => endpoint.active({ exp: String(now() + 60) }),
    'not yet valid': () => endpoint.active({ nbf: now() + 60 }),
    'no subject': () => endpoint.active({ sub: undefined }),
    'no client': () => endpoint.active({ client_id: undefined }),
    'a refresh token': () => endpoint.active({ typ: 'Refresh' }),
    'a refresh token, as Hydra says it': () => endpoint.active({ token_use: 'refresh_token' }),
    'a refresh token, as Duende and Janssen would say it': () =>
      endpoint.active({ token_type: 'refresh_token' }),
    'token_type Refresh': () => endpoint.active({ token_type: 'Refresh' }),
    'a refresh token, as ForgeRock says it': () => endpoint.active({ tokenName: 'refresh_token' }),
    'an ID token by its token_type': () => endpoint.active({ token_type: 'id_token' }),
    'an ID token by its nonce': () => endpoint.active({ nonce: 'n', token_type: undefined }),
    'an ID token by its claims': () =>
      endpoint.active({
        ...{ client_id: undefined, azp: 'c1', scope: undefined, token_type: undefined },
        ...{ auth_time: now() - 60, email: 'alice@example.test' },
      }),
    'a token_type that is no access token’s': () => endpoint.active({ token_type: 'N_A' }),
    'a token_type that is no text': () => endpoint.active({ token_type: ['Bearer'] }),
    'bound to a certificate that is not asked for': () =>
      endpoint.active({ cnf: { 'x5t#S256': 'A'.repeat(43) } }),
  };
  for (const [name, answer] of Object.entries(cases)) {
    it(name, async () => {
      endpoint.answer = answer;
      assertInvalid(await bed.callWith(opaque()));
      assert.equal(endpoint.questions.length, 1);
    });
  }

  it('and is not asked for again at once', async () => {
    endpoint.answer = () => '{"active":false}';
    const token = opaque();
    for (let i = 0; i < 5; i++) assertInvalid(await bed.callWith(token));
    assert.equal(endpoint.questions.length, 1);
  });

  for (const token of ['op aque', 'op,aque', '=', 'a=b', 'op"aque', 'opäque']) {
    it(`without a question: ${token}`, async () => {
      const answer = await bed.callWith(Buffer.from(token).toString('latin1'));
      assert.ok([400, 401].includes(answer.status), String(answer.status));
      assert.deepEqual(endpoint.questions, []);
      assert.deepEqual(bed.upstream.requests, []);
    });
  }
});

describe('when the authorization server gives no answer, it is not the fault of the client', () => {
  const cases: Record<string, () => void> = {
    'status 401: our credentials are refused': () => (endpoint.status = 401),
    'status 302': () => (endpoint.status = 302),
    'not JSON': () => (endpoint.answer = () => 'active=true'),
    'a member twice': () => (endpoint.answer = () => endpoint.active().replace('{', '{"active":false,')),
    'a byte order mark': () => (endpoint.answer = () => `\uFEFF${endpoint.active()}`),
    'longer than any answer': () => (endpoint.answer = () => endpoint.active({ pad: 'x'.repeat(300_000) })),
    'connections are cut': () => (bed.issuer.up = false),
  };
  for (const [name, breakIt] of Object.entries(cases)) {
    it(name, async () => {
      breakIt();
      try {
        assertUnavailable(await bed.callWith(opaque()));
      } finally {
        bed.issuer.up = true;
      }
    });
  }

  it('what was said before goes on to count', async () => {
    const token = opaque();
    assert.equal((await bed.callWith(token)).status, 200);
    endpoint.status = 500;
    assert.equal((await bed.callWith(token)).status, 200);
  });

  it('it is asked again with the next request', async () => {
    const token = opaque();
    endpoint.status = 500;
    assertUnavailable(await bed.callWith(token));
    endpoint.status = 200;
    assert.equal((await bed.callWith(token)).status, 200);
  });
});

it('no token and no secret is in the log, the metrics or the status', async () => {
  const token = opaque();
  assert.equal((await bed.callWith(token)).status, 200);
  const metrics = await (await fetch(bed.adminUrl('/metrics'))).text();
  assert.match(metrics, /mcp_sidecar_introspections_total\{issuer="[^"]+",outcome="ok"\} \d+/);
  for (const text of [bed.log, metrics, JSON.stringify(await bed.status())]) {
    for (const secret of ['op_', 'Basic ', CLIENT_SECRET, encodeURIComponent(CLIENT_SECRET)])
      assert.ok(!text.includes(secret), secret);
  }
});

it('new credentials are used at once', async () => {
  const [issuer] = bed.config.issuers;
  await writeFile(issuer!.introspection!.clientSecretFile, 'another');
  await waitFor(async () => {
    endpoint.questions.length = 0;
    assert.equal((await bed.callWith(opaque())).status, 200);
    const value = endpoint.questions[0]?.authorization?.slice('Basic '.length) ?? '';
    return Buffer.from(value, 'base64').toString().endsWith(':another');
  }, 'the new secret');
});

it('made-up tokens do not make it ask without end', async () => {
  endpoint.answer = () => '{"active":false}';
  const statuses: number[] = [];
  const begun = performance.now();
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => bed.callWith(opaque())));
    statuses.push(...answers.map(({ status }) => status));
  }
  const allowed = 260 + ((performance.now() - begun) / 1000) * 10;
  assert.ok(endpoint.questions.length < allowed, `${endpoint.questions.length} questions for 500 tokens`);
  assert.ok(statuses.every((status) => status === 401 || status === 503));
  assert.deepEqual(bed.upstream.requests, []);
  assert.equal((await bed.callWith(bed.issuer.token())).status, 200, 'and JWTs are not concerned');
});

describe('where opaque tokens are not taken', () => {
  it('they are refused, and no server is asked', async () => {
    const other = await TestBed.start();
    try {
      const asked = new IntrospectionEndpoint(other.issuer);
      asked.answer = () => asked.active();
      assertRefused(await other.callWith(opaque()), 'invalid_token');
      assert.deepEqual(asked.questions, []);
    } finally {
      await other.stop();
    }
  });

  it('an issuer that announces no endpoint is not guessed at: 503, and the log says why', async () => {
    const other = await TestBed.start({ config: (defaults) => withIntrospection(defaults) });
    try {
      const answer = await other.callWith(opaque());
      assert.equal(answer.status, 503);
      await waitFor(() => other.log.includes('introspection_endpoint'), 'the log line');
    } finally {
      await other.stop();
    }
  });
});
