// How the reference server verifies an access token (RFC 9068 section 4): signature first, then the claims, in order.
import type { IssuerSetup, Setup } from '../../targets/target.ts';
import type { Wrong } from '../mutants.ts';
import type { ReferenceClock } from './clock.ts';
import { fetchJson } from './fetch.ts';
import { fits, isSigned, publicKey, readJws, type Jws, type Members } from './jws.ts';
import type { Key, Keys } from './keys.ts';

export class InvalidToken extends Error {}

/** What the reference server decides by. */
export interface ReferenceContext {
  readonly setup: Setup;
  readonly wrong: Wrong;
  readonly clock: ReferenceClock;
  readonly keys: ReadonlyMap<string, Keys>;
}

/** The claims of a good token. @throws InvalidToken, or Unavailable for want of keys */
export async function verifyToken(token: string, context: ReferenceContext): Promise<Members> {
  const { setup, wrong } = context;
  if (token.length > 16_384 && !wrong('unbounded-token')) throw new InvalidToken('too long');
  const jws = attempt(() => readJws(token, wrong));
  const issuer = findIssuer(jws.claims['iss'], setup, wrong);
  if (issuer === undefined) {
    if (wrong('discovers-from-token')) await ask(String(jws.claims['iss']), context);
    throw new InvalidToken('issuer');
  }
  await verifySignature(jws, issuer, context);
  checkClaims(jws, context);
  return jws.claims;
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InvalidToken((error as Error).message);
  }
}

function findIssuer(iss: unknown, { issuers }: Setup, wrong: Wrong): IssuerSetup | undefined {
  if (typeof iss !== 'string') return undefined;
  const normal = (name: string) =>
    wrong('normalizes-issuer') && URL.canParse(name) ? new URL(name).href.replace(/\/$/, '') : name;
  return issuers.find(({ issuer }) => normal(issuer) === normal(iss));
}

function ask(url: string, { setup, wrong }: ReferenceContext): Promise<unknown> {
  return fetchJson(url, { ca: setup.certificate.cert, wrong }).catch(() => undefined);
}

async function verifySignature(jws: Jws, { issuer }: IssuerSetup, context: ReferenceContext): Promise<void> {
  const { wrong, setup } = context;
  const { alg, kid, crit, b64, jwk, jku } = jws.header;
  if (typeof alg !== 'string') throw new InvalidToken('alg');
  if (alg.toLowerCase() === 'none' && wrong('accepts-none')) return;
  const allowed = setup.algorithms.includes(alg) || (wrong('any-algorithm') && /^[REP]S\d{3}$/.test(alg));
  if (!allowed && !(alg === 'HS256' && wrong('hmac-with-public-key'))) throw new InvalidToken('alg');
  if ((crit !== undefined || b64 !== undefined) && !wrong('ignores-crit')) throw new InvalidToken('crit');
  if (kid !== undefined && typeof kid !== 'string') throw new InvalidToken('kid');
  if (jwk !== undefined && wrong('embedded-jwk')) {
    if (isSigned(jws, alg, publicKey(jwk))) return;
  }
  if (typeof jku === 'string' && wrong('follows-jku')) await ask(jku, context);
  const own = await context.keys.get(issuer)?.find(kid);
  const keys = wrong('keys-of-all-issuers')
    ? [...context.keys.values()].flatMap((set) => set.all())
    : (own ?? []);
  if (!keys.some((key) => isUsable(key, alg, wrong) && isSigned(jws, alg, key.key))) {
    throw new InvalidToken('signature');
  }
}

function isUsable({ key, jwk }: Key, alg: string, wrong: Wrong): boolean {
  if (jwk['alg'] !== undefined && jwk['alg'] !== alg && !wrong('ignores-jwk-alg')) {
    return wrong('any-algorithm') || (alg === 'HS256' && wrong('hmac-with-public-key'));
  }
  return fits(alg, key);
}

function checkClaims({ header, claims }: Jws, { setup, wrong, clock }: ReferenceContext): void {
  const compat = setup.profile === 'Compat';
  const typ =
    typeof header['typ'] === 'string'
      ? header['typ'].toLowerCase().replace(/^application\//, '')
      : header['typ'];
  const good = typ === 'at+jwt' || (compat && (typ === undefined || typ === 'jwt'));
  if (!good && !wrong('any-typ')) throw new InvalidToken('typ');
  if (typ !== 'at+jwt' && !wrong('id-token-opens') && isOtherToken(claims)) throw new InvalidToken('kind');
  if (!isForUs(claims['aud'], setup, wrong)) throw new InvalidToken('aud');
  checkTime(claims, { now: clock.now() / 1000, skew: wrong('no-skew') ? 0 : setup.clockSkewSeconds, wrong });
  if (!wrong('subject-optional')) checkRequired(claims, compat);
}

/** By the claims that say so, and by those that only other tokens have. */
export function isOtherToken(claims: Members): boolean {
  const said = ['typ', 'token_use', 'token_type', 'tokenName'].map((name) => claims[name]);
  const isAccess = (value: unknown) =>
    typeof value === 'string' && /^(bearer|dpop|access(_token)?)$/i.test(value);
  if (said.some((value) => value !== undefined && !isAccess(value))) return true;
  const isLogin =
    'azp' in claims && 'auth_time' in claims && !('scope' in claims) && !('client_id' in claims);
  return isLogin || ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'].some((name) => name in claims);
}

/** RFC 3986 section 6.2: case of scheme and host, the default port, and the slash of an empty path mean nothing. */
function canonical(value: string, wrong: Wrong): string {
  if (wrong('audience-bytes-only') || !URL.canParse(value) || !/^https:/i.test(value)) return value;
  const { origin } = new URL(value);
  const path = /^[^:]+:\/\/[^/?#]*(.*)$/s.exec(value)?.[1] ?? '';
  if (wrong('audience-slash-always')) return origin + path.replace(/\/$/, '');
  return origin + (path === '/' ? '' : path);
}

function isForUs(aud: unknown, setup: Setup, wrong: Wrong): boolean {
  if (wrong('no-audience-check')) return true;
  const origin = setup.rootDocument === 'Origin' ? [new URL(setup.resource).origin] : [];
  const accepted = [...setup.audiences, ...origin].map((value) => canonical(value, wrong));
  const named: unknown[] = Array.isArray(aud) ? aud : [aud];
  const fits = (value: unknown) =>
    typeof value === 'string' &&
    (wrong('prefix-audience')
      ? accepted.some((ours) => value.startsWith(ours) || ours.startsWith(value))
      : accepted.includes(canonical(value, wrong)));
  if (named.some((value) => typeof value !== 'string')) return false;
  const sole = setup.audiencePolicy === 'Sole' && !wrong('ignores-sole-audience');
  return named.length > 0 && (sole ? named.every(fits) : named.some(fits));
}

interface Moment {
  readonly now: number;
  readonly skew: number;
  readonly wrong: Wrong;
}

function checkTime({ exp, nbf, iat }: Members, { now, skew, wrong }: Moment): void {
  if (!Number.isFinite(exp) && !(exp === undefined && wrong('expiry-optional')))
    throw new InvalidToken('exp');
  if (now >= (exp as number) + skew) throw new InvalidToken('expired');
  for (const start of [wrong('ignores-nbf') ? undefined : nbf, wrong('ignores-iat') ? undefined : iat]) {
    if (start === undefined) continue;
    if (!Number.isFinite(start) || (start as number) > now + skew) throw new InvalidToken('too early');
  }
}

function checkRequired({ sub, client_id, azp, appid, cid, jti, iat }: Members, compat: boolean): void {
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  const client = compat ? [client_id, azp, appid, cid].some(isText) : isText(client_id);
  if (!isText(sub) || !client) throw new InvalidToken('required');
  if (!compat && (!isText(jti) || !Number.isFinite(iat))) throw new InvalidToken('required');
}

/** RFC 9068 section 2.2.3; `scp` as Entra and Okta write it. */
export function scopesOf({ scope, scp, permissions }: Members, wrong: Wrong): string[] {
  if (wrong('permissions-grant') && Array.isArray(permissions)) return permissions.map(String);
  if (scope !== undefined || wrong('no-scp')) return typeof scope === 'string' ? scope.split(' ') : [];
  if (typeof scp === 'string') return scp.split(' ');
  return Array.isArray(scp) && scp.every((value) => typeof value === 'string') ? scp : [];
}

/** Whether the granted scopes, and what they include, hold this one. */
export function holds(
  granted: readonly string[],
  scope: string,
  { setup, wrong }: Pick<ReferenceContext, 'setup' | 'wrong'>,
) {
  if (wrong('scope-substring')) return granted.join(' ').toLowerCase().includes(scope);
  const included = wrong('ignores-hierarchy')
    ? []
    : granted.flatMap((name) => setup.scopeHierarchy?.[name] ?? []);
  return granted.includes(scope) || included.includes(scope);
}
