// (Principal, Call) -> Permit, or a Denial. The only maker of permits: without one nothing is forwarded.
import type { Principal } from '../authentication/authenticate.ts';
import type { Denial } from '../denial/denial.ts';
import type { Call } from '../messages/call.ts';
import type { InForce } from './in-force.ts';
import type { Policy } from './policy.ts';

/** Only this module can make one: the private member has no run-time value, and a copy with changes does not have it. */
declare class Permitted {
  readonly #permitted: true;
}

/** The right to forward one call of one principal. What it does not hold cannot be forwarded. */
export interface Permit extends Permitted {
  readonly principal: Principal;
  /** The request with its body: a permit is kept no longer than a call. */
  readonly call: Call;
}

export type Authorization =
  | { readonly kind: 'permitted'; readonly permit: Permit }
  | { readonly kind: 'denied'; readonly denial: Denial }
  /** What was found out about the token holds no more: the request has to be decided again, from its head. */
  | { readonly kind: 'outdated' };

const OUTDATED: Authorization = { kind: 'outdated' };

/**
 * What is refused whatever the principal asks for. Asked before a body is read, so that a client without the scopes that
 * everything needs costs no body; `authorize` asks again.
 */
export function baselineDenial(principal: Principal, { requiredScopes, scopes }: Policy): Denial | undefined {
  for (const scope of requiredScopes) {
    if (!scopes.covers(principal.scopes, scope)) {
      // All required scopes in one denial, so that a client steps up once (RFC 6750 section 3.1).
      return { kind: 'insufficient_scope', scopes: scopes.stepUp(principal.scopes, requiredScopes) };
    }
  }
  return undefined;
}

/**
 * Decides whether the principal may make the call, by what is in force now: while the body came, the token may have
 * expired, its key may have been withdrawn, the configuration replaced (RESOURCE_SERVER C50). To be called when the request
 * can go on, and not before.
 */
export function authorize(principal: Principal, call: Call, inForce: InForce): Authorization {
  const { authenticator, policy } = inForce.current;
  if (!authenticator.holds(principal)) return OUTDATED;
  const denial = baselineDenial(principal, policy);
  if (denial !== undefined) return { kind: 'denied', denial };
  return { kind: 'permitted', permit: { principal, call } as Permit }; // the private member has no run-time value
}
