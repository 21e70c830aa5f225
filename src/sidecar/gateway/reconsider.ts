// Whether a request under way may go on: decided from its head as if it came now. What becomes of it is not decided here.
import type { Authentication, Principal } from '../authentication/authenticate.ts';
import { baselineDenial } from '../authorization/authorize.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { Denial } from '../denial/denial.ts';
import type { CompiledConfig } from './compiled-config.ts';
import { checkOrigin } from './cors.ts';
import { checkHead } from './request-head.ts';

/** A request that was permitted once, and is not over. */
interface UnderWay {
  readonly request: ReceivedRequest;
  /** As it was last found. */
  readonly principal: Principal;
  readonly isListening: boolean;
  /** A body goes by, unread. */
  readonly isSending: boolean;
}

/**
 * The steps of a fresh request up to the scopes that everything needs, by the configuration given; those that are about a
 * body are left out. A call may have outlived its token.
 */
export async function reconsider(underWay: UnderWay, config: CompiledConfig): Promise<Authentication> {
  const { request, principal, isListening, isSending } = underWay;
  const { req } = request;
  const fields = config.requestHeaders.read(req.rawHeaders);
  const head = checkHead({ req, fields }, config.isOurHost);
  if (!head.ok) return denied(head.denial);
  if (config.route(head.target).kind !== 'protected') return denied({ kind: 'not_found' });
  const origin = checkOrigin(req.method, fields, config.isAllowedOrigin);
  if (origin.kind === 'refused') return denied({ kind: 'origin_not_allowed' });
  if (isSending && config.config.transport.messageChecks === 'Enforced')
    return denied({ kind: 'bad_request', reason: 'unread_body' });
  // The proof that it came with has been used, for this request.
  const presentation = { req, fields, isProofAccepted: true };
  const { authenticator, policy } = config;
  const again = { principal, authorization: fields.authorization, isCall: !isListening };
  const authentication = await authenticator.authenticateAgain(again, presentation);
  if (!authentication.ok) return authentication;
  const denial = baselineDenial(authentication.principal, policy);
  return denial === undefined ? authentication : denied(denial);
}

function denied(denial: Denial): Authentication {
  return { ok: false, denial };
}
