// Origin and Host: which browser origins may call (Fetch CORS), and under which names this server answers.
import { hostOfField } from '../../protocol/host.ts';
import type { SidecarConfig } from '../config/config.ts';

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
export function corsFields(origin: string): string[] {
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
export function preflightFields(origin: string, requestedHeaders: string | undefined): string[] {
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

/** Host values seen and judged. Bounded: what does not fit is judged again. */
const MAX_KNOWN_HOSTS = 64;

/**
 * A test for the value of a `Host` field: one of our names, on any port (a NodePort or a port-forward changes the port,
 * an attacker who rebinds DNS cannot change the name).
 */
export function hostPolicy(
  config: Pick<SidecarConfig, 'resource' | 'publicHosts'>,
): (host: string) => boolean {
  const names = new Set([
    new URL(config.resource).hostname,
    ...config.publicHosts.map((name) => name.toLowerCase()),
  ]);
  const known = new Map<string, boolean>();
  return (host) => {
    const judged = known.get(host);
    if (judged !== undefined) return judged;
    const name = hostOfField(host);
    const ours = name !== undefined && names.has(name);
    if (known.size < MAX_KNOWN_HOSTS) known.set(host, ours);
    return ours;
  };
}

/** Whether the value of a `Host` field is one at all (RFC 9112 section 3.2). */
export function isHost(host: string | undefined): boolean {
  return host !== undefined && hostOfField(host) !== undefined;
}
