// Which browser origins may call, and the CORS fields of answers to them (Fetch, CORS).
import type { RequestFields } from '../http/request-headers.ts';

const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
  'DPoP',
];
const EXPOSED_HEADERS = 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, DPoP-Nonce';
/** MCP 2026-07-28, Streamable HTTP: parameters mirrored into fields of a name that starts so. */
const PARAMETER_HEADER = /^mcp-param-[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const MAX_PARAMETER_HEADERS = 32;

/** An origin in the one form that is compared: scheme and host in lower case, default port dropped. */
function canonicalOrigin(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined;
  const url = new URL(origin);
  // "null" and opaque origins have no canonical form and are never allowed.
  return url.origin !== 'null' && url.pathname === '/' && !url.search && !url.hash ? url.origin : undefined;
}

/** A test for the value of an `Origin` field (MCP Streamable HTTP, security warning: servers MUST validate it). */
export function originPolicy(allowedOrigins: readonly string[]): (origin: string) => boolean {
  const allowed = new Set(allowedOrigins.map(canonicalOrigin));
  return (origin) => {
    const canonical = canonicalOrigin(origin);
    return canonical !== undefined && allowed.has(canonical);
  };
}

/** Fields of a response to an allowed origin. */
function corsFields(origin: string): string[] {
  return [
    'Access-Control-Allow-Origin',
    origin,
    'Access-Control-Expose-Headers',
    EXPOSED_HEADERS,
    'Vary',
    'Origin',
  ];
}

/** Fields of the answer to a preflight from an allowed origin. `*` would not cover `Authorization`, so all are named. */
function preflightFields(origin: string, requestedHeaders: string | undefined): string[] {
  const parameters = (requestedHeaders ?? '')
    .split(',', MAX_PARAMETER_HEADERS)
    .map((name) => name.trim().toLowerCase())
    .filter((name) => PARAMETER_HEADER.test(name));
  return [
    ...corsFields(origin),
    'Access-Control-Allow-Methods',
    'GET, POST, DELETE',
    'Access-Control-Allow-Headers',
    [...ALLOWED_HEADERS, ...parameters].join(', '),
    'Access-Control-Max-Age',
    '600',
  ];
}

type OriginFields = Pick<RequestFields, 'origin' | 'origins' | 'preflightMethod' | 'preflightHeaders'>;

type OriginCheck =
  | { readonly kind: 'refused' }
  /** Not a call: the browser asks whether it may make one. */
  | { readonly kind: 'preflight'; readonly fields: readonly string[] }
  /** Every answer carries these fields; none where no browser is involved. */
  | { readonly kind: 'allowed'; readonly fields: readonly string[] };

const REFUSED: OriginCheck = { kind: 'refused' };
const NO_ORIGIN: OriginCheck = { kind: 'allowed', fields: [] };

/** Before authentication: a page that may not call learns nothing about tokens (MCP Streamable HTTP, Origin). */
export function checkOrigin(
  method: string | undefined,
  { origin, origins, preflightMethod, preflightHeaders }: OriginFields,
  isAllowed: (origin: string) => boolean,
): OriginCheck {
  if (origin === undefined) return NO_ORIGIN;
  if (origins > 1 || !isAllowed(origin)) return REFUSED;
  if (method === 'OPTIONS' && preflightMethod !== undefined)
    return { kind: 'preflight', fields: preflightFields(origin, preflightHeaders) };
  return { kind: 'allowed', fields: corsFields(origin) };
}
