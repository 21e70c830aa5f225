// Asserts the principal to the server in a short-lived JWT that the sidecar signs: a bare header proves nothing outside the pod.
import type { Clock } from '../../base/clock.ts';
import type { Principal } from '../authentication/authenticate.ts';
import type { SigningKey } from '../tokens/signing-key.ts';

/** How long an assertion is good for, at most (seconds): one that an attacker finds in a log has expired. */
const LIFETIME_SECONDS = 60;
/** An assertion is used again for this long (milliseconds), so that most requests cost no signature. */
const REUSE_MS = 30_000;

interface IdentityAssertionOptions {
  readonly header: string;
  /** `iss`: the resource identifier, since the sidecar asserts. */
  readonly issuer: string;
  /** `aud`: the server's URL. */
  readonly audience: string;
  readonly key: SigningKey;
  readonly clock: Clock;
}

interface Line {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly made: number;
  readonly until: number;
}

/** Makes the header line that names the principal to the server. */
export class IdentityAssertion {
  readonly #options: IdentityAssertionOptions;
  /** A principal lives as long as the verdict on its token is remembered; its line goes with it. */
  readonly #lines = new WeakMap<Principal, Line>();

  constructor(options: IdentityAssertionOptions) {
    this.#options = options;
  }

  /** The line with its line end. */
  line(principal: Principal): string {
    const now = this.#options.clock();
    const known = this.#lines.get(principal);
    if (known !== undefined && now >= known.made && now < known.until) return known.text;
    const line = this.#make(principal, now);
    this.#lines.set(principal, line);
    return line.text;
  }

  #make(principal: Principal, now: number): Line {
    const { header, issuer, audience, key } = this.#options;
    const issuedAt = Math.floor(now / 1000);
    // Never longer than the token itself.
    const expires = Math.min(issuedAt + LIFETIME_SECONDS, Math.ceil(principal.expiresAt / 1000));
    const jwt = key.signJwt('JWT', {
      iss: issuer,
      aud: audience,
      sub: principal.subject,
      // A subject means something only together with who gave it; `iss` is taken by who asserts.
      idp: principal.issuer,
      ...(principal.client !== undefined && { client_id: principal.client }),
      iat: issuedAt,
      exp: expires,
    });
    return { text: `${header}: ${jwt}\r\n`, made: now, until: Math.min(now + REUSE_MS, expires * 1000) };
  }
}
