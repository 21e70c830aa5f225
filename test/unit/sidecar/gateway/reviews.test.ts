// Thousands of streams under way: each is reviewed once, by the configuration in force, and the event loop goes round meanwhile.
import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { after, before, beforeEach, it } from 'node:test';
import { pino } from 'pino';
import { POD_PLACEMENT, sidecarConfig } from '../../../../src/desired/sidecar-config.ts';
import { Authenticator, type Principal } from '../../../../src/sidecar/authentication/authenticate.ts';
import { InForce } from '../../../../src/sidecar/authorization/in-force.ts';
import { parseConfig } from '../../../../src/sidecar/config/config.ts';
import type { Denial } from '../../../../src/sidecar/denial/denial.ts';
import { compileConfig, type CompiledConfig } from '../../../../src/sidecar/gateway/compiled-config.ts';
import { Reviews } from '../../../../src/sidecar/gateway/reviews.ts';
import { Introspector } from '../../../../src/sidecar/issuers/introspection.ts';
import { IssuerMetadataSource } from '../../../../src/sidecar/issuers/metadata.ts';
import type { ProxiedRequest } from '../../../../src/sidecar/proxy/proxy.ts';
import { AUDIENCE, signingKey, type SigningKey } from '../../../kit/issuer.ts';
import { waitFor } from '../../../kit/wait.ts';
import { AuthenticatorBed, dpopVerifier, ISSUER, PLAIN } from '../../../support/authenticator-bed.ts';
import { sample, validServer } from '../../../support/manifests.ts';

const STREAMS = 500;
const AT_ONCE = 16;

let key: SigningKey;
let bed: AuthenticatorBed;
/** Whether the authorization server says that opaque tokens are active; else it does not answer at all. */
let introspects = true;
let log = '';
before(async () => {
  key = await signingKey('k1', 'ES256');
  bed = new AuthenticatorBed(key);
  await bed.keys.start();
});
after(() => bed.stop());
beforeEach(() => {
  log = '';
  introspects = true;
});

function compiled(changes: object = {}): CompiledConfig {
  const json = {
    ...sidecarConfig(validServer(sample('echo')), POD_PLACEMENT),
    resource: 'https://mcp.test/mcp',
    requiredScopes: ['mcp:basic'],
    issuers: [
      {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        audiencePolicy: 'Any',
        algorithms: ['ES256'],
        tokenProfile: 'Compat',
        jwks: { uri: `${ISSUER}/certs` },
      },
    ],
    ...changes,
  };
  const config = parseConfig(json, 'test');
  const clock = () => bed.now;
  return compileConfig(config, {
    authenticator: new Authenticator(config, {
      clock,
      keys: new Map([[ISSUER, bed.keys]]),
      dpop: dpopVerifier(clock),
      introspector: introspector(clock),
      onVerified: () => undefined,
    }),
    pseudonym: 'test',
    clock,
    metadataKey: undefined,
    identityKey: undefined,
    nonces: undefined,
    authorizationServer: () => undefined,
    onSurplus: () => undefined,
  });
}

/** Each opaque token is that of a user of its name. */
function introspector(clock: () => number): Introspector {
  const { signal } = new AbortController();
  const metadata = new IssuerMetadataSource(ISSUER, {
    fetchText: () => Promise.reject(new Error('not asked for')),
    ca: undefined,
    signal,
    onMismatch: () => undefined,
  });
  return new Introspector(
    ISSUER,
    `${ISSUER}/introspect`,
    { clientId: 'rs', clientSecret: 's' },
    {
      clock,
      fetchText: (_url, { form }) =>
        introspects
          ? Promise.resolve(JSON.stringify(claimsOf(new URLSearchParams(form?.body).get('token') ?? '')))
          : new Promise(() => undefined),
      metadata,
      ca: undefined,
      signal,
      onAsked: () => undefined,
    },
  );
}

function claimsOf(sub: string): object {
  return { active: true, sub, client_id: 'c', aud: AUDIENCE, scope: 'mcp:basic', exp: bed.seconds + 300 };
}

/** As much of a stream under way as a review looks at, and what became of it. */
class Stream {
  readonly isListening = true;
  readonly isSending = false;
  isOver = false;
  readonly request: { readonly req: IncomingMessage };
  principal: Principal;
  renewals = 0;
  readonly refusals: Denial[] = [];

  private constructor(principal: Principal, token: string) {
    this.principal = principal;
    const req = new IncomingMessage(new Socket());
    req.method = 'GET';
    req.url = '/mcp';
    req.httpVersion = '1.1';
    req.rawHeaders = ['Host', 'mcp.test', 'Authorization', `Bearer ${token}`];
    this.request = { req };
  }

  static open(config: CompiledConfig, subject: string): Promise<Stream> {
    return Stream.openWith(config, bed.token(key, 300, { sub: subject }));
  }

  static async openWith({ authenticator }: CompiledConfig, token: string): Promise<Stream> {
    const authentication = await authenticator.authenticate(`Bearer ${token}`, PLAIN);
    assert.ok(authentication.ok);
    return new Stream(authentication.principal, token);
  }

  renew(principal: Principal): void {
    this.principal = principal;
    this.renewals++;
  }

  refuse(denial: Denial): void {
    this.isOver = true;
    this.refusals.push(denial);
  }
}

async function world(
  opaque = 0,
): Promise<{ streams: Stream[]; inForce: InForce<CompiledConfig>; review: () => void }> {
  const first = compiled();
  const inForce = new InForce(first);
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    log += chunk.toString();
    done();
  };
  const reviews = new Reviews({ inForce, logger: pino(new Writable({ write })) });
  const streams = await Promise.all([
    ...Array.from({ length: opaque }, (_, index) => Stream.openWith(first, `opaque${index}`)),
    ...Array.from({ length: STREAMS }, (_, index) => Stream.open(first, `s${index}`)),
  ]);
  const review = () => {
    for (const stream of streams)
      if (inForce.current.authenticator.isOutdated(stream.principal))
        reviews.add(stream as unknown as ProxiedRequest);
  };
  return { streams, inForce, review };
}

const settled = (streams: readonly Stream[]) =>
  waitFor(
    () => streams.every(({ renewals, refusals }) => renewals + refusals.length > 0),
    'all to be reviewed',
  );

it('all are reviewed once, a few in each turn of the event loop', async () => {
  const { streams, inForce, review } = await world();
  inForce.replace(compiled());
  let turns = 0;
  const turn = setInterval(() => undefined, 1);
  const count = () => void (turns++, streams.some(({ renewals }) => renewals === 0) && setImmediate(count));
  setImmediate(count);
  for (let i = 0; i < 3; i++) review(); // each second: what waits is not added again
  await settled(streams);
  clearInterval(turn);
  assert.ok(turns >= STREAMS / AT_ONCE, `${turns} turns`);
  assert.ok(streams.every(({ renewals }) => renewals === 1));
  review();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(
    streams.every(({ renewals }) => renewals === 1),
    'what was renewed is not reviewed again',
  );
});

it('where nothing has changed, none is reviewed', async () => {
  const { streams, review } = await world();
  review();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(streams.every(({ renewals, refusals }) => renewals + refusals.length === 0));
});

it('those that are refused are told so, and the log has one line', async () => {
  const { streams, inForce, review } = await world();
  inForce.replace(compiled({ requiredScopes: ['mcp:admin'] }));
  review();
  await settled(streams);
  for (const { refusals } of streams) assert.equal(refusals[0]?.kind, 'insufficient_scope');
  await waitFor(() => log !== '', 'the log');
  assert.equal(log.trim().split('\n').length, 1);
  assert.match(log, new RegExp(`"refused":${STREAMS}`));
});

it('a configuration that comes in the middle decides', async () => {
  const { streams, inForce, review } = await world();
  inForce.replace(compiled());
  review();
  await waitFor(() => streams.some(({ renewals }) => renewals > 0), 'the first reviews', 5_000, 0);
  inForce.replace(compiled({ requiredScopes: ['mcp:admin'] }));
  review();
  await waitFor(() => streams.every(({ isOver }) => isOver), 'all to be refused');
});

it('one that is over meanwhile is left alone', async () => {
  const { streams, inForce, review } = await world();
  inForce.replace(compiled({ requiredScopes: ['mcp:admin'] }));
  review();
  for (const stream of streams) stream.isOver = true;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(streams.every(({ refusals }) => refusals.length === 0));
});

it('an authorization server that does not answer about opaque tokens keeps back no others', async () => {
  const opaque = 2 * AT_ONCE;
  const { streams, inForce, review } = await world(opaque);
  introspects = false;
  inForce.replace(compiled({ requiredScopes: ['mcp:admin'] }));
  review();
  await waitFor(() => streams.slice(opaque).every(({ isOver }) => isOver), 'the others to be refused', 2_000);
  assert.ok(streams.slice(0, opaque).every(({ refusals, renewals }) => refusals.length + renewals === 0));
});
