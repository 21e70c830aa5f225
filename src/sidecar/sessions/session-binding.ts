// Whether a legacy request may use the session that it names, and what the server's response says about sessions.
import type { Call } from '../messages/call.ts';
import type { SidecarConfig } from '../config/config.ts';
import type { Denial } from '../denial/denial.ts';
import type { RequestFields } from '../http/request-headers.ts';
import type { ResponseHead } from '../http/response-parser.ts';
import { isSessionId, type Sessions } from './sessions.ts';

type SessionFields = Pick<RequestFields, 'sessionId' | 'lastEventId'>;

/**
 * Why a legacy request is denied. A session of another principal and one that never existed get the same answer, which
 * does not reveal what ids exist (RESOURCE_SERVER D22, J16).
 */
export function sessionProblem(
  { sessionId, lastEventId }: SessionFields,
  owner: string,
  sessions: Sessions,
  unknownSessions: SidecarConfig['transport']['unknownSessions'],
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

/** Called with the head of the response. */
export type ObserveHead = (head: ResponseHead) => Denial | undefined;

/** Learns from the response to a legacy request: a session that begins, or one that is over. `undefined`: neither. */
export function sessionObserver(
  call: Call,
  method: string | undefined,
  { sessionId }: SessionFields,
  owner: string,
  sessions: Sessions,
): ObserveHead | undefined {
  if (call.era !== 'legacy') return undefined;
  if (sessionId !== undefined) {
    return ({ status }) => {
      if (status === 404 || (method === 'DELETE' && status >= 200 && status < 300)) sessions.end(sessionId);
      return undefined;
    };
  }
  if (!call.maySetSession) return undefined;
  return ({ status, fields }) => {
    if (status < 200 || status >= 300) return undefined;
    const begun = sessionIdOf(fields);
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
