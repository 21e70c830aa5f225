// The reference server's way with opaque tokens (RFC 7662): asks, and remembers a good answer until the token expires.
import { createHash } from 'node:crypto';
import { fetchJson } from './fetch.ts';
import type { Members } from './jws.ts';
import { Unavailable } from './keys.ts';
import { InvalidToken, isOtherToken, type ReferenceContext } from './token.ts';

const REMEMBERED_MS = 60_000;

export class Introspection {
  readonly #context: ReferenceContext;
  readonly #known = new Map<string, { readonly claims: Members; readonly until: number }>();

  constructor(context: ReferenceContext) {
    this.#context = context;
  }

  async verify(token: string): Promise<Members> {
    const { setup, wrong, clock } = this.#context;
    const digest = createHash('sha256').update(token).digest('hex');
    const known = this.#known.get(digest);
    if (known !== undefined && (clock.now() < known.until || wrong('introspects-once'))) return known.claims;
    const endpoint = setup.issuers[0]?.introspection;
    if (endpoint === undefined) throw new InvalidToken('not a JWT');
    const claims = (await this.#ask(endpoint, token)) as Members | null;
    const active = claims?.['active'];
    if (claims === null || !(active === true || (active === 'true' && wrong('truthy-is-active')))) {
      throw new InvalidToken('inactive');
    }
    this.#check(claims);
    if (isOtherToken(claims) && !wrong('introspects-any-kind')) throw new InvalidToken('kind');
    const expiry = (claims['exp'] as number) * 1000;
    this.#known.set(digest, { claims, until: Math.min(expiry, clock.now() + REMEMBERED_MS) });
    return claims;
  }

  #ask(
    { endpoint, clientId, clientSecret }: { endpoint: string; clientId: string; clientSecret: string },
    token: string,
  ): Promise<unknown> {
    const { setup, wrong } = this.#context;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    return fetchJson(endpoint, {
      ca: setup.certificate.cert,
      wrong,
      method: 'POST',
      headers: { Authorization: `Basic ${basic}`, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
    }).catch(() => {
      throw new Unavailable();
    });
  }

  #check({ iss, aud, exp }: Members): void {
    const { setup, clock } = this.#context;
    if (iss !== undefined && iss !== setup.issuers[0]?.issuer) throw new InvalidToken('iss');
    if (![aud].flat().some((value) => setup.audiences.includes(value as string)))
      throw new InvalidToken('aud');
    if (!Number.isFinite(exp) || clock.now() / 1000 >= (exp as number) + setup.clockSkewSeconds) {
      throw new InvalidToken('exp');
    }
  }
}
