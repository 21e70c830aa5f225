// Whether a request head has one meaning and is meant for this server, and the path it asks for. Looks at no credentials.
import type { Denial } from '../denial/denial.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import { isHost } from './host.ts';

/** More fields than this are refused: Node would silently drop the rest, and a second Authorization with it. */
const MAX_FIELDS = 100;

const MISDIRECTED: Denial = { kind: 'misdirected' };

/** As much of a request as is looked at here. */
interface RequestHead {
  readonly req: Pick<ReceivedRequest['req'], 'rawHeaders' | 'httpVersion' | 'url'>;
  readonly fields: Pick<
    ReceivedRequest['fields'],
    'hosts' | 'host' | 'chunked' | 'contentLength' | 'unknownCoding' | 'looped'
  >;
}

type HeadCheck =
  /** `target` in origin form: a path with its query, or `*`. */
  { readonly ok: true; readonly target: string } | { readonly ok: false; readonly denial: Denial };

export function checkHead(head: RequestHead, isOurHost: (host: string) => boolean): HeadCheck {
  const denial = headDenial(head, isOurHost);
  return denial === undefined ? targetCheck(head.req.url ?? '', isOurHost) : { ok: false, denial };
}

/** What makes a request unfit whatever it asks for. */
function headDenial({ req, fields }: RequestHead, isOurHost: (host: string) => boolean): Denial | undefined {
  if (req.rawHeaders.length > 2 * MAX_FIELDS) return { kind: 'header_fields_too_large' };
  // A request line without a version passes Node's parser as HTTP/0.9, which has neither fields nor bodies.
  if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0')
    return { kind: 'bad_request', reason: 'http_version' };
  // RFC 9112 section 3.2: exactly one Host. Node serves the first of two.
  if (fields.hosts > 1) return { kind: 'bad_request', reason: 'several_host_fields' };
  if (fields.host === undefined || !isOurHost(fields.host))
    return isHost(fields.host) ? MISDIRECTED : { kind: 'bad_request', reason: 'invalid_host' };
  // RFC 9112 section 6.1: a transfer coding in HTTP/1.0 has no meaning that two parties share.
  if (fields.chunked && req.httpVersion !== '1.1')
    return { kind: 'bad_request', reason: 'coding_in_http_1_0' };
  // A larger number would be another one on the way to the server.
  if (!Number.isSafeInteger(Number(fields.contentLength ?? 0)))
    return { kind: 'bad_request', reason: 'content_length_too_large' };
  if (fields.unknownCoding) return { kind: 'bad_request', reason: 'unknown_transfer_coding' };
  if (fields.looped) return { kind: 'loop_detected' };
  return undefined;
}

/** Visible ASCII without `"`, `#`, `<` and `>`, which stand in no URI (RFC 3986 appendix C): a fragment is never sent. */
const TARGET = /^[!$-;=?-~]+$/;
/** RFC 3986 section 3: scheme and authority, then path and query, none of them decoded or normalized. */
const ABSOLUTE_FORM = /^https?:\/\/([^/?\\]+)([/?].*)?$/i;

/**
 * The request target as a path (RFC 9112 section 3.2), as it came: what is decided by is what was sent. An absolute target
 * must name this server, and no user: what a request names never chooses where it is sent.
 */
function targetCheck(target: string, isOurHost: (host: string) => boolean): HeadCheck {
  if (!TARGET.test(target)) return INVALID_TARGET;
  if (target.startsWith('/') || target === '*') return { ok: true, target };
  const [, authority, rest = '/'] = ABSOLUTE_FORM.exec(target) ?? [];
  if (authority === undefined) return { ok: false, denial: MISDIRECTED };
  // RFC 9110 section 4.2.4: user information in a target is an error, and likely a disguise.
  if (authority.includes('@') || !isHost(authority)) return INVALID_TARGET;
  if (!isOurHost(authority)) return { ok: false, denial: MISDIRECTED };
  return { ok: true, target: rest.startsWith('/') ? rest : `/${rest}` };
}

const INVALID_TARGET: HeadCheck = { ok: false, denial: { kind: 'bad_request', reason: 'invalid_target' } };
