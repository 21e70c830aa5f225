// A client's DPoP key and its proofs (RFC 9449), of any shape.
import { createHash, randomUUID } from 'node:crypto';
import { base64Url, signCompact, signingKey, type SigningKey, type TokenChanges } from '../../kit/issuer.ts';

export class DpopKey {
  readonly key: SigningKey;
  /** RFC 7638 thumbprint: what `cnf.jkt` of a bound token is. */
  readonly thumbprint: string;

  private constructor(key: SigningKey) {
    this.key = key;
    const { crv, kty, x, y } = key.jwk;
    this.thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  }

  static async generate(): Promise<DpopKey> {
    return new DpopKey(await signingKey('dpop', 'ES256'));
  }

  get jwk() {
    const { kty, crv, x, y } = this.key.jwk;
    return { kty, crv, x, y };
  }

  /** A proof for a POST to `htu` with `token`, good but for the changes (RFC 9449 section 4.2). */
  proof(htu: string, token: string, { header, claims, key = this.key }: TokenChanges = {}): string {
    const ath = createHash('sha256').update(token).digest('base64url');
    const iat = Math.floor(Date.now() / 1000);
    return signCompact(
      JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.jwk, ...header }),
      JSON.stringify({ jti: randomUUID(), htm: 'POST', htu, iat, ath, ...claims }),
      key,
    );
  }
}

/** The fields of a request with a bound token and its proof. */
export function dpopFields(token: string, ...proofs: readonly string[]): string[] {
  return ['Authorization', `DPoP ${token}`, ...proofs.flatMap((proof) => ['DPoP', proof])];
}

export { base64Url };
