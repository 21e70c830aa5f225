// What a token is bound to: its `cnf` claim (RFC 7800). Whether the client holds the key is verified elsewhere.
import { isObject } from '../../protocol/json.ts';

/** The keys whose possession a client must prove; at least one. */
export interface Confirmation {
  /** Thumbprint of the key that signs DPoP proofs (RFC 9449 section 6.1). */
  readonly jkt: string | undefined;
  /** Thumbprint of the TLS client certificate (RFC 8705 section 3.1). */
  readonly x5t: string | undefined;
}

/** How each kind of binding is treated: refused, accepted, or required of every token. */
export interface BindingModes {
  readonly dpop: 'Off' | 'Accept' | 'Require';
  readonly clientCertificates: 'Off' | 'Accept' | 'Require';
}

/** SHA-256 in base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/**
 * `not_bound`: but every token has to be. `sender_constrained`: bound in a way that is unknown or not enforced here.
 */
export type ConfirmationProblem = 'not_bound' | 'sender_constrained';

/**
 * Reads `cnf`; `undefined` for a token that is not bound and need not be.
 * A binding that would not be enforced is refused: accepted as a bearer token, a stolen one could be used without the key
 * (RFC 9449 section 7.2, RFC 8705 section 3).
 */
export function parseConfirmation(
  cnf: unknown,
  modes: BindingModes,
): Confirmation | ConfirmationProblem | undefined {
  const isRequired = modes.dpop === 'Require' || modes.clientCertificates === 'Require';
  if (cnf === undefined) return isRequired ? 'not_bound' : undefined;
  if (!isObject(cnf)) return 'sender_constrained';
  const { jkt, 'x5t#S256': x5t, ...unknown } = cnf;
  if (Object.keys(unknown).length > 0 || (jkt === undefined && x5t === undefined))
    return 'sender_constrained';
  if (!isEnforced(jkt, modes.dpop) || !isEnforced(x5t, modes.clientCertificates)) return 'sender_constrained';
  if (jkt === undefined && modes.dpop === 'Require') return 'not_bound';
  if (x5t === undefined && modes.clientCertificates === 'Require') return 'not_bound';
  return { jkt, x5t };
}

function isEnforced(
  thumbprint: unknown,
  mode: BindingModes[keyof BindingModes],
): thumbprint is string | undefined {
  if (thumbprint === undefined) return true;
  return mode !== 'Off' && typeof thumbprint === 'string' && THUMBPRINT.test(thumbprint);
}
