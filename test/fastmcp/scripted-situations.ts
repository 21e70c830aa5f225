// Situations with tokens and key sets that no real authorization server makes on demand: a scripted issuer signs whatever is asked.
import { createHmac } from 'node:crypto';
import { base64Url, signingKey, type TestIssuer, type TokenChanges } from '../kit/issuer.ts';
import { waitFor } from '../kit/wait.ts';
import type { Side } from './side.ts';
import { bearer, tellOf, told, type Situation } from './situation.ts';

/** Both arrangements require the scope mcp:basic, which the issuer's tokens have. */
export interface ScriptedWorld {
  readonly issuer: TestIssuer;
}

type Scripted = Situation<ScriptedWorld>;

/** Before the issuer has ever answered. */
export const NEVER_REACHED: Scripted = {
  name: 'the JWKS endpoint has never answered',
  see: (side, { issuer }) => tellOf(side, issuer.token()),
  why: 'A good token is not to blame: 401 would send its user to a login that does not help.',
};

/** Each with a token that is good but for one thing. */
export const SHAPES: readonly Scripted[] = [
  shape('as Keycloak makes it (`typ: JWT`, a list of audiences)', () => ({
    claims: { aud: ['echo-mcp-server', 'account'] },
  })),
  shape('as RFC 9068 has it (`typ: at+jwt`)', () => ({ header: { typ: 'at+jwt' } })),
  shape('scopes as a list in `scp`', () => ({ claims: { scope: undefined, scp: ['mcp:basic'] } })),
  shape('expired an hour ago', () => ({ claims: { exp: inSeconds(-3600) } })),
  shape(
    'expired 10 s ago',
    () => ({ claims: { exp: inSeconds(-10) } }),
    'Clocks differ: `clockSkew`, 30 s. With `0s`, as FastMCP.',
  ),
  shape('without `exp`', () => ({ claims: { exp: undefined } }), 'It would be good for ever.'),
  shape(
    '`nbf` in an hour',
    () => ({ claims: { nbf: inSeconds(3600) } }),
    'Not good yet (RFC 7519 section 4.1.5).',
  ),
  shape(
    'bound to a key (DPoP), sent as Bearer',
    () => ({ claims: { typ: 'DPoP', cnf: { jkt: base64Url('a digest of a key of 32 octets..') } } }),
    'Stolen, it would be as good as any (RFC 9449 section 7.2).',
  ),
  shape(
    'without the required scope',
    () => ({ claims: { scope: 'openid' } }),
    'The client learns that a scope is missing, and asks for it (RFC 6750 section 3.1).',
  ),
  shape('an audience with a slash more', () => ({ claims: { aud: 'echo-mcp-server/' } })),
  shape('an issuer with a slash more', (issuer) => ({ claims: { iss: `${issuer.issuer}/` } })),
  shape(
    'made for something else (`typ: logout+jwt`)',
    () => ({ header: { typ: 'logout+jwt' } }),
    'RFC 8725 section 3.11.',
  ),
  shape('an unknown `crit` header', () => ({ header: { crit: ['x'], x: 1 } })),
  shape(
    'ES256, with another key of the issuer',
    ({ keys }) => ({ key: keys.find(({ alg }) => alg === 'ES256')! }),
    'All asymmetric algorithms are good with the keys that are for them; `algorithms: [RS256]` is FastMCP.',
  ),
  {
    name: 'HS256, signed with the public key',
    see: (side, { issuer }) => tellOf(side, signedWithPublicKey(issuer)),
  },
];

function shape(name: string, change: (issuer: TestIssuer) => TokenChanges, why?: string): Scripted {
  const see: Scripted['see'] = (side, { issuer }) => tellOf(side, issuer.token(change(issuer)));
  return { name, see, ...(why !== undefined && { why }) };
}

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** RFC 8725 section 2.1: what a verifier accepts that takes the algorithm from the token. */
function signedWithPublicKey(issuer: TestIssuer): string {
  const key = issuer.keys[0]!;
  const header = base64Url(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: key.kid }));
  const input = `${header}.${issuer.token().split('.')[1]}`;
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
  return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
}

/** The issuer takes its keys back and publishes new ones. @returns a token of the old key */
export async function rotate(issuer: TestIssuer): Promise<string> {
  const old = issuer.token();
  issuer.keys = await Promise.all([signingKey('k2'), signingKey('e2', 'ES256')]);
  return old;
}

/** FastMCP asks for keys at most every 30 s. */
const ROTATION_MS = 45_000;

/** Right after `rotate`. */
export const ROTATED: readonly Situation<ScriptedWorld & { readonly old: string }>[] = [
  {
    name: 'keys rotated: a token of the new key',
    see: async (side, { issuer }) => {
      const first = await tellOf(side, issuer.token());
      if (first === '200') return '200';
      await untilAccepted(side, issuer.token());
      return `${first}; 200 within ${ROTATION_MS / 1000} s`;
    },
    why: 'A key not known yet is looked up at once; FastMCP asks at most every 30 s.',
  },
  { name: 'keys rotated: a token of the old key', see: (side, { old }) => tellOf(side, old) },
];

export async function untilAccepted(side: Side, token: string): Promise<void> {
  const accepts = async () => told(await side.send(bearer(token))) === '200';
  await waitFor(accepts, `${side.name} to accept a good token`, ROTATION_MS, 500);
}

/** While the issuer is down, after it was up. */
export const UNREACHABLE: readonly Scripted[] = [
  {
    name: 'the JWKS endpoint is down: a token of a known key',
    see: (side, { issuer }) => tellOf(side, issuer.token()),
  },
  {
    name: 'the JWKS endpoint is down: a token of a key not known yet',
    see: async (side, { issuer }) => tellOf(side, issuer.token({ key: await signingKey('k3') })),
    why: 'The key may be newer than the last fetch: that it could not be asked for is no fault of the token.',
  },
];
