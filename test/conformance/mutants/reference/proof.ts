// The reference server's check of a DPoP proof (RFC 9449 section 4.3) and of a certificate binding (RFC 8705 section 3).
import { createHash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { isSigned, publicKey, readJws, type Jws, type Members } from './jws.ts';
import { InvalidToken, type ReferenceContext } from './token.ts';

export class InvalidProof extends Error {}
export class NonceWanted extends Error {}

const LIFETIME_SECONDS = 60;
/** Good for the life of the process: enough for a reference. */
export const NONCE = createHash('sha256').update(String(Math.random())).digest('base64url');

export interface ProofInput {
  readonly proofs: readonly string[];
  readonly token: string;
  readonly claims: Members;
  readonly method: string;
  readonly seen: Set<string>;
}

export function checkProof(input: ProofInput, { setup, wrong, clock }: ReferenceContext): void {
  const [proof] = input.proofs;
  if (proof === undefined || input.proofs.length !== 1) throw new InvalidProof('exactly one');
  let jws: Jws;
  try {
    jws = readJws(proof, () => false);
  } catch (error) {
    throw new InvalidProof((error as Error).message);
  }
  const { header, claims } = jws;
  const { typ, alg, jwk } = header as { typ: unknown; alg: unknown; jwk: Record<string, string> | undefined };
  if (typ !== 'dpop+jwt' || alg !== 'ES256' || jwk === undefined || 'd' in jwk || 'crit' in header)
    throw new InvalidProof('header');
  let signed = false;
  try {
    signed = isSigned(jws, alg, publicKey(jwk));
  } catch {
    throw new InvalidProof('jwk');
  }
  if (!signed) throw new InvalidProof('signature');
  const { htm, htu, iat, jti, ath, nonce } = claims;
  if (htm !== input.method || typeof jti !== 'string') throw new InvalidProof('htm, jti');
  const url = wrong('htu-of-upstream') ? setup.upstream : setup.resource;
  if (!wrong('ignores-htu') && !sameUrl(htu, url)) throw new InvalidProof('htu');
  if (typeof iat !== 'number' || Math.abs(clock.now() / 1000 - iat) > LIFETIME_SECONDS)
    throw new InvalidProof('iat');
  if (!wrong('ignores-ath') && ath !== digest(input.token)) throw new InvalidProof('ath');
  const { crv, kty, x, y } = jwk;
  const bound = (input.claims['cnf'] as Members | undefined)?.['jkt'];
  if (bound !== digest(JSON.stringify({ crv, kty, x, y }))) throw new InvalidToken('jkt');
  if (setup.dpopNonces && nonce !== NONCE) throw new NonceWanted();
  const id = digest(jti);
  if (input.seen.has(id) && !wrong('no-replay-memory')) throw new InvalidProof('replayed');
  input.seen.add(id);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** RFC 9449 section 4.3: without query and fragment, after normalization. */
function sameUrl(htu: unknown, url: string): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false;
  const given = new URL(htu);
  return given.search === '' && given.hash === '' && given.href === new URL(url).href;
}

export function checkCertificate(claims: Members, socket: TLSSocket, wrong: ReferenceContext['wrong']): void {
  if (wrong('ignores-certificate')) return;
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) throw new InvalidToken('no certificate');
  const thumbprint = createHash('sha256').update(new X509Certificate(raw).raw).digest('base64url');
  if ((claims['cnf'] as Members)['x5t#S256'] !== thumbprint) throw new InvalidToken('other certificate');
}
