// Verifies DPoP proofs: that the client holds the key that its verified token is bound to (RFC 9449 section 4.3).
import { isObject, type Members } from '../../protocol/json.ts';
import type { Clock } from '../../base/clock.ts';
import { parseCompactJws, type CompactJws } from '../tokens/compact-jws.ts';
import { DPOP_ALGORITHMS, type SignatureAlgorithm } from '../config/algorithms.ts';
import type { SidecarConfig } from '../config/config.ts';
import type { Denial } from '../denial/denial.ts';
import type { DpopNonces } from './dpop-nonce.ts';
import { normalHttpUri } from './http-uri.ts';
import { isCostly, verificationKey, type VerificationKey } from '../tokens/jwk.ts';
import { jwkThumbprint } from '../tokens/jwk-thumbprint.ts';
import type { ReplayCache } from './replay-cache.ts';
import { isSignedBy } from '../tokens/signature.ts';

/** Why a proof is refused. Stable: these are values of the `reason` log field. */
type ProofProblem =
  | 'no_proof'
  | 'several_proofs'
  | 'malformed_proof'
  | 'wrong_proof_type'
  | 'proof_algorithm_not_allowed'
  | 'unsupported_proof_crit'
  | 'unusable_proof_key'
  | 'wrong_proof_key'
  | 'no_proof_id'
  | 'wrong_proof_method'
  | 'wrong_proof_uri'
  | 'proof_not_of_now'
  | 'proof_of_another_token'
  | 'bad_proof_signature'
  | 'replayed_proof';

/** The method of a request and its `DPoP` fields. */
interface PresentedProof {
  readonly method: string;
  readonly proof: string | undefined;
  /** How many `DPoP` fields there were. */
  readonly proofs: number;
  /** The same request was accepted with it before, and is decided again: it is in use, and was of its time then. */
  readonly isAccepted: boolean;
}

/** The token that a proof comes with. */
interface BoundToken {
  /** SHA-256 of the token, one character a byte. */
  readonly digest: string;
  /** `Principal.owner` of the token. */
  readonly owner: string;
  /** The thumbprint that it is bound to. */
  readonly jkt: string;
}

interface DpopDependencies {
  readonly clock: Clock;
  readonly memory: ReplayCache;
  /** Absent where proofs need no nonce. */
  readonly nonces: DpopNonces | undefined;
}

/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4: a key with one of these is not a public key. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Verifies proofs for one resource. */
export class DpopVerifier {
  readonly #deps: DpopDependencies;
  readonly #uri: string | undefined;
  readonly #lifetime: number;

  constructor(config: Pick<SidecarConfig, 'resource' | 'dpop'>, deps: DpopDependencies) {
    this.#deps = deps;
    this.#uri = normalHttpUri(config.resource);
    this.#lifetime = config.dpop.proofLifetimeSeconds;
  }

  /**
   * The numbers are those of RFC 9449 section 4.3. Cheap checks come first, and only a proof that is valid in every other
   * respect is remembered as used.
   */
  async verify(presented: PresentedProof, { digest, owner, jkt }: BoundToken): Promise<Denial | undefined> {
    if (presented.proof === undefined) return invalid('no_proof');
    if (presented.proofs > 1) return invalid('several_proofs'); // 1
    const jws = parseCompactJws(presented.proof); // 2
    if (jws === undefined) return invalid('malformed_proof');
    const key = proofKey(jws.header, jkt);
    if (typeof key === 'string') return invalid(key);
    const problem = this.#claimsProblem(jws, presented, digest);
    if (problem !== undefined) return invalid(problem);
    if (!(await isSignedBy(presented.proof, key, key.algorithm))) return invalid('bad_proof_signature'); // 6
    if (presented.isAccepted) return undefined;
    const { nonces } = this.#deps;
    if (nonces !== undefined && !nonces.accepts(jws.claims.nonce)) return { kind: 'use_dpop_nonce' }; // 10
    return this.#recall(jws.claims, jkt, owner);
  }

  /** Checks 3 (required claims and their types) and 8 to 12. */
  #claimsProblem(
    { claims }: CompactJws,
    { method, isAccepted }: PresentedProof,
    tokenDigest: string,
  ): ProofProblem | undefined {
    if (typeof claims.jti !== 'string' || claims.jti === '') return 'no_proof_id';
    if (claims.htm !== method) return 'wrong_proof_method';
    const uri = typeof claims.htu === 'string' ? normalHttpUri(claims.htu) : undefined;
    if (uri === undefined || uri !== this.#uri) return 'wrong_proof_uri';
    // NaN and Infinity are outside of any lifetime.
    if (typeof claims.iat !== 'number') return 'proof_not_of_now';
    if (!isAccepted && !(Math.abs(this.#now() - claims.iat) <= this.#lifetime)) return 'proof_not_of_now';
    const ath = Buffer.from(tokenDigest, 'latin1').toString('base64url');
    return claims.ath === ath ? undefined : 'proof_of_another_token';
  }

  /** RFC 9449 section 11.1. */
  #recall({ jti, iat }: Members, jkt: string, owner: string): Denial | undefined {
    // #claimsProblem has checked both. All thumbprints have one length, so two pairs never make the same text.
    const recall = this.#deps.memory.recall(
      owner,
      `${jkt}${jti as string}`,
      iat as number,
      this.#now() - this.#lifetime,
    );
    switch (recall) {
      case 'new':
        return undefined;
      case 'seen':
        return invalid('replayed_proof');
      case 'too_old':
        return invalid('proof_not_of_now');
      case 'full':
        return { kind: 'overloaded', reason: 'replay_memory_full' };
      default:
        return recall satisfies never;
    }
  }

  #now(): number {
    return this.#deps.clock() / 1000;
  }
}

/** Checks 4, 5 and 7, and that the key is the one that the token is bound to (12). */
function proofKey(
  header: Members,
  jkt: string,
): (VerificationKey & { readonly algorithm: SignatureAlgorithm }) | ProofProblem {
  if (header.typ !== 'dpop+jwt') return 'wrong_proof_type';
  const algorithm = DPOP_ALGORITHMS.find((name) => name === header.alg);
  if (algorithm === undefined) return 'proof_algorithm_not_allowed';
  if (header.crit !== undefined || header.b64 !== undefined) return 'unsupported_proof_crit';
  const { jwk } = header;
  if (!isObject(jwk)) return 'unusable_proof_key';
  if (PRIVATE_MEMBERS.some((name) => jwk[name] !== undefined)) return 'unusable_proof_key';
  if (jwkThumbprint(jwk) !== jkt) return 'wrong_proof_key';
  const key = verificationKey(jwk);
  if (key?.algorithms.has(algorithm) !== true || isCostly(key)) return 'unusable_proof_key';
  return { ...key, algorithm };
}

function invalid(reason: ProofProblem): Denial {
  return { kind: 'invalid_dpop_proof', reason };
}
