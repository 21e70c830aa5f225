// Verifies with every request that the client holds the key that its verified token is bound to.
import type { Socket } from 'node:net';
import { clientCertificateThumbprint } from './client-certificate.ts';
import type { Confirmation } from '../tokens/confirmation.ts';
import type { Scheme } from '../denial/challenge.ts';
import type { Denial } from '../denial/denial.ts';
import type { DpopVerifier } from './dpop.ts';
import type { RequestFields } from '../http/request-headers.ts';

/** What a request presents besides its token. Read only where the token is bound to a key. */
export interface Presentation {
  readonly req: { readonly method?: string | undefined; readonly socket: Socket };
  readonly fields: Pick<RequestFields, 'proof' | 'proofs'>;
  /** Set when its proof was accepted: that is the proof's one use, however often the request is decided again. */
  isProofAccepted: boolean;
}

interface PresentedToken {
  readonly scheme: Scheme;
  /** SHA-256 of the token, one character a byte. */
  readonly digest: string;
  /** `Principal.owner` of the token. */
  readonly owner: string;
  readonly confirmation: Confirmation | undefined;
}

/**
 * The denial, or none. The scheme must fit the token: a bound one as Bearer may be stolen (RFC 9449 section 7.2), and an
 * unbound one is no DPoP token.
 */
export function possessionProblem(
  { scheme, digest, owner, confirmation }: PresentedToken,
  presentation: Presentation,
  dpop: DpopVerifier,
): Denial | undefined | Promise<Denial | undefined> {
  const { req, fields, isProofAccepted } = presentation;
  const { jkt, x5t } = confirmation ?? {};
  if (scheme === 'DPoP' && jkt === undefined) return { kind: 'invalid_token', reason: 'not_bound' };
  if (scheme === 'Bearer' && jkt !== undefined) {
    return { kind: 'invalid_token', reason: 'bound_to_proof_key' };
  }
  if (x5t !== undefined && clientCertificateThumbprint(req.socket) !== x5t) {
    return { kind: 'invalid_token', reason: 'wrong_client_certificate' };
  }
  if (jkt === undefined) return undefined;
  const { proof, proofs } = fields;
  const presented = { method: req.method ?? '', proof, proofs, isAccepted: isProofAccepted };
  return dpop.verify(presented, { digest, owner, jkt }).then((denial) => {
    if (denial === undefined) presentation.isProofAccepted = true;
    return denial;
  });
}
