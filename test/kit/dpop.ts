// A client that holds a key: DPoP proofs of any shape (RFC 9449), and tokens bound to it. Shares no code with what verifies them.
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { signCompact, signingKey, type SigningKey, type TestIssuer, type TokenChanges } from './issuer.ts';

/** What proofs are for unless they say otherwise. */
export const RESOURCE = 'https://localhost:8001/mcp';

export interface ProofChanges extends TokenChanges {
  /** The token that the proof is for. */
  readonly token: string;
  readonly method?: string;
  readonly url?: string;
}

export class DpopClient {
  readonly key: SigningKey;
  /** RFC 7638 thumbprint: what `cnf.jkt` of a bound token is. */
  readonly jkt: string;

  private constructor(key: SigningKey, jkt: string) {
    this.key = key;
    this.jkt = jkt;
  }

  static async create(alg: 'RS256' | 'ES256' = 'ES256', bits?: number): Promise<DpopClient> {
    const key = await signingKey('client', alg, bits);
    return new DpopClient(key, await calculateJwkThumbprint(key.jwk));
  }

  /** The public key as it stands in a proof: what a client's library puts there, no more. */
  get jwk(): Record<string, unknown> {
    const { kty, crv, x, y, n, e } = this.key.jwk as Record<string, unknown>;
    return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as Record<string, unknown>;
  }

  /** A token of the issuer that is bound to the key. */
  token(issuer: TestIssuer, changes: TokenChanges = {}): string {
    return issuer.token({ ...changes, claims: { cnf: { jkt: this.jkt }, ...changes.claims } });
  }

  /** A proof that is good in every respect, with the changes that a case names (RFC 9449 section 4.2). */
  proof({ token, method = 'POST', url = RESOURCE, ...changes }: ProofChanges): string {
    const { claims, header, key = this.key, headerText = String, claimsText = String } = changes;
    const payload = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: url,
      iat: Math.floor(Date.now() / 1000),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...claims,
    };
    const head = { typ: 'dpop+jwt', alg: key.alg, jwk: this.jwk, ...header };
    return signCompact(headerText(JSON.stringify(head)), claimsText(JSON.stringify(payload)), key);
  }

  /** The fields of a request with the token and a proof for it. */
  fields(token: string, changes: Omit<ProofChanges, 'token'> = {}): Record<string, string> {
    return { Authorization: `DPoP ${token}`, DPoP: this.proof({ token, ...changes }) };
  }
}

/** The fields of a request with a token and any number of proofs. */
export function dpopFields(token: string, ...proofs: readonly string[]): string[] {
  return ['Authorization', `DPoP ${token}`, ...proofs.flatMap((proof) => ['DPoP', proof])];
}
