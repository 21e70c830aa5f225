// Whether a legacy request may use the session that it names, and what the server's response says about sessions.
import type { Call } from '../messages/call.ts';
import type { SidecarConfig } from '../config/config.ts';
import type { Denial } from '../denial/denial.ts';
import type { RequestFields } from '../http/request-headers.ts';
import type { ResponseHead } from '../http/response-parser.ts';
import { isSessionId, type Sessions } from './sessions.ts';

type SessionFields = Pick<RequestFields, 'sessionId' | 'lastEventId'>;

/** Only this module can make one: the private member has no run-time value, and a copy with changes does not have it. */
declare class Checked {
  readonly #checked: true;
}

/** What to do when the head of the answer is there; `undefined` where there is nothing to do. */
type ObserveHead = (head: ResponseHead) => Denial | undefined;

/** That a request may use the session it names, and what its answer says of sessions. */
export interface SessionUse extends Checked {
  /** Learns from the answer to a legacy request: a session that begins, or one that is over. May refuse the answer. */
  readonly observe: ObserveHead | undefined;
}

type SessionCheck =
  { readonly ok: true; readonly session: SessionUse } | { readonly ok: false; readonly denial: Denial };

type SessionCall = Pick<Call, 'era' | 'maySetSession' | 'request'>;

interface SessionContext {
  /** `Principal.owner` of who calls. */
  readonly owner: string;
  readonly sessions: Sessions;
  readonly unknownSessions: SidecarConfig['transport']['unknownSessions'];
}

// Casts to `SessionUse`: the private member has no run-time value.
const NO_SESSION: SessionCheck = { ok: true, session: { observe: undefined } as SessionUse };

/** Modern requests have no session: what they say of one is not forwarded, and not looked up. */
export function checkSession(call: SessionCall, context: SessionContext): SessionCheck {
  if (call.era === 'modern') return NO_SESSION;
  const denial = sessionProblem(call.request.fields, context);
  if (denial !== undefined) return { ok: false, denial };
  const observe = sessionObserver(call, context);
  return observe === undefined ? NO_SESSION : { ok: true, session: { observe } as SessionUse };
}

/**
 * Why a legacy request is denied. A session of another principal and one that never existed get the same answer, which
 * does not reveal what ids exist (RESOURCE_SERVER D22, J16).
 */
function sessionProblem(
  { sessionId, lastEventId }: SessionFields,
  { owner, sessions, unknownSessions }: SessionContext,
): Denial | undefined {
  if (sessionId === undefined) {
    // Resuming belongs to a stream, and without a session its owner is unknown (RESOURCE_SERVER D25).
    return lastEventId === undefined
      ? undefined
      : { kind: 'session_not_found', reason: 'event_id_without_session' };
  }
  if (!isSessionId(sessionId)) return { kind: 'bad_request', reason: 'bad_session_id' };
  const known = sessions.ownerOf(sessionId);
  if (known === owner) return undefined;
  if (known !== undefined) return { kind: 'session_not_found', reason: 'session_of_another' };
  if (unknownSessions === 'NotFound') return { kind: 'session_not_found', reason: 'unknown_session' };
  // Now, not with the response: of two principals that name it at the same time only one gets it.
  sessions.bind(sessionId, owner);
  return undefined;
}

function sessionObserver(
  { maySetSession, request: { req, fields } }: SessionCall,
  { owner, sessions }: SessionContext,
): ObserveHead | undefined {
  const { sessionId } = fields;
  if (sessionId !== undefined) {
    const { method } = req;
    return ({ status }) => {
      if (status === 404 || (method === 'DELETE' && status >= 200 && status < 300)) sessions.end(sessionId);
      return undefined;
    };
  }
  if (!maySetSession) return undefined;
  return ({ status, fields: answered }) => {
    if (status < 200 || status >= 300) return undefined;
    const begun = sessionIdOf(answered);
    if (begun === undefined) return undefined;
    // The next request with it would be denied: better to fail now, next to the server's own log line.
    if (!isSessionId(begun)) return { kind: 'upstream_unreachable', reason: 'bad_session_id' };
    if (sessions.bind(begun, owner)) return undefined;
    return { kind: 'upstream_unreachable', reason: 'session_id_given_twice' };
  };
}

/** The id in a response; an empty one, which is invalid, where there are two. */
function sessionIdOf(fields: readonly string[]): string | undefined {
  let found: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string; // names and values come in pairs
    if (name.length !== 14 || name.toLowerCase() !== 'mcp-session-id') continue;
    found = found === undefined ? fields[i + 1] : '';
  }
  return found;
}
