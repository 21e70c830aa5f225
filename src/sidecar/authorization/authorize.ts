// Principal + request -> Permit, or a Denial. The only maker of permits: without one nothing is forwarded.
import type { Principal } from '../authentication/authenticate.ts';
import type { Denial } from '../denial/denial.ts';
import type { ScopePolicy } from './scopes.ts';

/** Only this module can make one. */
declare const permitted: unique symbol;

/** The right to forward one request. */
export interface Permit {
  readonly [permitted]: true;
  readonly principal: Principal;
}

export type Authorization =
  { readonly ok: true; readonly permit: Permit } | { readonly ok: false; readonly denial: Denial };

/**
 * Decides whether the principal may do what it asks.
 * All required scopes are named in one denial, so that a client steps up once (RFC 6750 section 3.1).
 */
export function authorize(
  principal: Principal,
  requiredScopes: readonly string[],
  scopes: ScopePolicy,
): Authorization {
  for (const scope of requiredScopes) {
    if (!scopes.covers(principal.scopes, scope)) {
      const missing = scopes.stepUp(principal.scopes, requiredScopes);
      return { ok: false, denial: { kind: 'insufficient_scope', scopes: missing } };
    }
  }
  return { ok: true, permit: { principal } as Permit }; // the brand has no run-time value
}
