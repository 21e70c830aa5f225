// The authenticator in process, with real keys and a clock and an issuer that a test moves.
import { Socket } from 'node:net';
import { Authenticator, type Authentication } from '../../src/sidecar/authentication/authenticate.ts';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { DpopVerifier } from '../../src/sidecar/authentication/dpop.ts';
import { IssuerMetadataSource } from '../../src/sidecar/issuers/metadata.ts';
import { IssuerKeys } from '../../src/sidecar/issuers/jwks.ts';
import type { Presentation } from '../../src/sidecar/authentication/proof-of-possession.ts';
import { ReplayCache } from '../../src/sidecar/authentication/replay-cache.ts';
import { accessToken, AUDIENCE, type SigningKey, type TokenChanges } from '../kit/issuer.ts';

export const ISSUER = 'https://issuer.test/realms/my-realm';

type AuthenticationConfig = Pick<
  SidecarConfig,
  'resource' | 'issuers' | 'clockSkewSeconds' | 'claimToHeaders' | 'dpop' | 'clientCertificates'
>;

export const CONFIG: AuthenticationConfig = {
  resource: 'https://localhost:8001/mcp',
  issuers: [
    {
      issuer: ISSUER,
      audiences: [AUDIENCE],
      audiencePolicy: 'Any',
      algorithms: ['RS256', 'ES256'],
      tokenProfile: 'Compat',
      jwks: { uri: `${ISSUER}/certs` },
    },
  ],
  clockSkewSeconds: 5,
  claimToHeaders: [],
  dpop: { mode: 'Off', proofLifetimeSeconds: 60, nonces: 'Off' },
  clientCertificates: { mode: 'Off' },
};

/** A request that shows nothing but its token. */
export const PLAIN: Presentation = {
  req: { method: 'POST', socket: new Socket() },
  fields: { proof: undefined, proofs: 0 },
  isProofAccepted: false,
};

/** Of the configuration above, with the clock given. */
export function dpopVerifier(clock: () => number): DpopVerifier {
  return new DpopVerifier(CONFIG, { clock, memory: new ReplayCache(), nonces: undefined });
}

/** How the one issuer is configured, where it is not as above. */
type IssuerChanges = Partial<SidecarConfig['issuers'][number]>;

export class AuthenticatorBed {
  /** Milliseconds since the epoch. */
  now = 1_800_000_000_000;
  /** What the issuer publishes. */
  published: unknown[];
  /** Whether it answers. */
  up = true;
  /** How often it was asked. */
  fetches = 0;
  readonly keys: IssuerKeys;
  readonly authenticator: Authenticator;
  readonly #stop = new AbortController();

  /** @param issuer how it is configured, where it is not as in CONFIG */
  constructor(published: SigningKey | readonly SigningKey[], issuer: IssuerChanges = {}) {
    this.published = [published].flat().map(({ jwk }) => jwk);
    const clock = () => this.now;
    const config = { ...CONFIG, issuers: [{ ...CONFIG.issuers[0]!, ...issuer }] };
    this.keys = new IssuerKeys(config.issuers[0]!, {
      clock,
      ca: undefined,
      signal: this.#stop.signal,
      metadata: new IssuerMetadataSource(ISSUER, {
        // Its public name cannot be reached from here, as where names differ inside and outside.
        fetchText: () => Promise.reject(new Error('unreachable')),
        ca: undefined,
        signal: this.#stop.signal,
        onMismatch: () => undefined,
      }),
      onAttempt: () => undefined,
      fetchJson: () => {
        this.fetches++;
        return this.up ? Promise.resolve({ keys: this.published }) : Promise.reject(new Error('down'));
      },
    });
    // What the authenticator does not look at is left out of the configuration.
    this.authenticator = new Authenticator(config as SidecarConfig, {
      clock,
      keys: new Map([[ISSUER, this.keys]]),
      dpop: dpopVerifier(clock),
      introspector: undefined,
      onVerified: () => undefined,
    });
  }

  /** A token that is good now, for `lifetime` seconds, but for the claims in `changes`. */
  token(key: SigningKey, lifetime = 300, changes: Readonly<Record<string, unknown>> = {}): string {
    return this.tokenWith(key, { claims: { exp: this.seconds + lifetime, ...changes } });
  }

  /** A token that is good now, with the changes that a case names. */
  tokenWith(key: SigningKey, changes: TokenChanges): string {
    return accessToken({ issuer: ISSUER, key: changes.key ?? key, now: this.seconds }, changes);
  }

  /** Seconds since the epoch. */
  get seconds(): number {
    return Math.floor(this.now / 1000);
  }

  /** `ok`, or why not. */
  verdict(token: string): Promise<string> {
    return this.verdictOn(`Bearer ${token}`);
  }

  /** The same of a whole `Authorization` value. */
  async verdictOn(authorization: string): Promise<string> {
    return outcome(await this.authenticator.authenticate(authorization, PLAIN));
  }

  /** Whether the verdict is remembered: then it is there without a promise. */
  remembers(token: string): boolean {
    return !(this.authenticator.authenticate(`Bearer ${token}`, PLAIN) instanceof Promise);
  }

  stop(): void {
    this.#stop.abort();
  }
}

function outcome(authentication: Authentication): string {
  if (authentication.ok) return 'ok';
  const { denial } = authentication;
  return 'reason' in denial ? denial.reason : denial.kind;
}
