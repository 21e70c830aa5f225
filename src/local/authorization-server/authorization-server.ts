// The embedded authorization server: sockets, Keycloak's paths, key rotation. Its OAuth is authorization-provider.ts.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type Provider from 'oidc-provider';
import type { Logger } from '../../base/log.ts';
import { AUTHORIZATION_SERVER_METADATA_PATH, OPENID_CONFIGURATION_PATH } from '../../protocol/oauth.ts';
import type { Audiences, TokenType } from './access-token.ts';
import { createProvider, LOGIN_ROUTE, ROUTES } from './authorization-provider.ts';
import { handleLogin } from './login-interaction.ts';
import { listenOnLoopback } from './loopback.ts';
import { MemoryStore } from './memory-adapter.ts';
import { DEFAULT_USERS, type RealmUser } from './realm-user.ts';
import { generateRealmKey } from './realm-key.ts';

/** Keycloak adds these to every request: its realm default scopes. */
const DEFAULT_SCOPES = ['profile', 'email'];
const OFFERED_SCOPES = [
  'openid',
  ...DEFAULT_SCOPES,
  'offline_access',
  'basic',
  'echo-mcp-server',
  'mcp:basic',
];

/**
 * Both MCP Inspectors, and any native client: the client is `native`, so each of these holds on every port
 * (RFC 8252 section 7.3).
 */
const REDIRECT_URIS = [
  'http://localhost:6274/oauth/callback',
  'http://localhost:6274/oauth/callback/debug',
  'http://127.0.0.1:6274/oauth/callback',
  'http://127.0.0.1:6274/oauth/callback/debug',
  'http://127.0.0.1:6276/oauth/callback',
  ...['localhost', '127.0.0.1', '[::1]'].flatMap((host) => [`http://${host}/callback`, `http://${host}/`]),
];

export interface AuthorizationServerOptions {
  /** PEM, for `localhost`, 127.0.0.1 and ::1. */
  tls: { certificate: string; key: string };
  /** Default 8443; 0 for any free port. */
  port?: number;
  /** Default `my-realm`. */
  realm?: string;
  /** Default: `eitan` / `test`. */
  users?: readonly RealmUser[];
  /** Scope to audience; each scope is offered. Default: `echo-mcp-server` for itself. */
  audiences?: Audiences;
  /** Offered besides the usual ones. */
  scopes?: readonly string[];
  client?: { id?: string; redirectUris?: readonly string[] };
  /** The `typ` of access tokens: `at+jwt` (RFC 9068, default) or `JWT` as Keycloak sends. */
  tokenType?: TokenType;
  /** Seconds that access tokens live; default 300. */
  tokenLifetime?: number;
  logger?: Logger;
}

export interface AuthorizationServer {
  issuer: string;
  port: number;
  /** A new key signs from now on. The old ones stay published unless `dropOld`. Sessions and refresh tokens go on. */
  rotateKeys(options?: { dropOld?: boolean }): Promise<{ kid: string }>;
  close(): Promise<void>;
}

/** Starts it on both loopback addresses. Rejects with `EADDRINUSE` and the port's number when the port is taken. */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const { tls, realm = 'my-realm', audiences = { 'echo-mcp-server': 'echo-mcp-server' } } = options;
  const users = options.users ?? DEFAULT_USERS;
  if (!/^[A-Za-z0-9_-]+$/.test(realm)) throw new TypeError(`"${realm}" cannot be a realm's name`);

  const keyReady = generateRealmKey(); // Takes a moment; meanwhile the port is opened.
  keyReady.catch(() => {}); // Reported below, unless the port is taken: then that is what counts.
  const serve: { handle: (req: IncomingMessage, res: ServerResponse) => void } = { handle: refuse };
  const { port, servers } = await listenOnLoopback(options.port ?? 8443, () =>
    createServer({ cert: tls.certificate, key: tls.key }, (req, res) => serve.handle(req, res)),
  );

  const issuer = `https://localhost:${port}/realms/${realm}`;
  const settings = {
    issuer,
    store: new MemoryStore(),
    cookieKeys: [randomBytes(32).toString('base64url')],
    users,
    scopes: [...new Set([...OFFERED_SCOPES, ...Object.keys(audiences), ...(options.scopes ?? [])])],
    audiences,
    tokenType: options.tokenType ?? 'at+jwt',
    tokenLifetime: options.tokenLifetime ?? 300,
    client: {
      id: options.client?.id ?? 'mcp-client',
      redirectUris: options.client?.redirectUris ?? REDIRECT_URIS,
    },
    logger: options.logger,
  };
  let keys = [await keyReady];
  const use = () => {
    // oidc-provider fixes its keys when it is made; a new one over the same store carries on where the old one was.
    const provider = createProvider({ ...settings, keys });
    serve.handle = requestHandler({ issuer, realm, provider, users, logger: options.logger });
  };
  use();

  return {
    issuer,
    port,
    async rotateKeys({ dropOld = false } = {}) {
      const key = await generateRealmKey();
      keys = dropOld ? [key] : [key, ...keys];
      use();
      return { kid: key.kid };
    },
    close: async () => void (await Promise.all(servers.map(closeServer))),
  };
}

interface Realm {
  issuer: string;
  realm: string;
  provider: Provider;
  users: readonly RealmUser[];
  logger: Logger | undefined;
}

/** From Keycloak's paths to oidc-provider's, which know nothing of the realm before them. */
function requestHandler(realm: Realm): (req: IncomingMessage, res: ServerResponse) => void {
  const callback = realm.provider.callback();
  const { host, pathname: realmPath } = new URL(realm.issuer);

  return (req, res) => {
    const { path, query } = splitTarget(req.url ?? '/');
    const inRealm = wellKnownPath(path, realmPath) ?? pathBelow(path, realmPath);
    if (inRealm === undefined) return notFound(res);
    if (inRealm.startsWith(`${LOGIN_ROUTE}/`)) return void handleLogin(realm, req, res);
    if (inRealm === ROUTES.registration && allowBrowsers(req, res)) return;
    // oidc-provider builds its URLs of these: always the issuer's, whatever name or address the client came by.
    Object.assign(req, { baseUrl: realmPath });
    req.headers.host = host;
    req.url = inRealm + (inRealm === ROUTES.authorization ? withDefaults(query) : query);
    void callback(req, res);
  };
}

/** RFC 8414 section 3.1: the well-known part goes before the issuer's path. MCP clients try all of these forms. */
function wellKnownPath(path: string, realmPath: string): string | undefined {
  const forms = [AUTHORIZATION_SERVER_METADATA_PATH, OPENID_CONFIGURATION_PATH];
  return forms.find((form) => path === `${form}${realmPath}`);
}

function pathBelow(path: string, parent: string): string | undefined {
  return path.startsWith(`${parent}/`) ? path.slice(parent.length) : undefined;
}

/** Keycloak's behaviour: the realm's default scopes are always granted, and offline access needs no `prompt`. */
function withDefaults(query: string): string {
  const parameters = new URLSearchParams(query);
  if (parameters.getAll('scope').length > 1) return query; // For the provider to refuse.
  const asked = (parameters.get('scope') ?? '').split(' ').filter(Boolean);
  parameters.set('scope', [...new Set([...asked, ...DEFAULT_SCOPES])].join(' '));
  if (asked.includes('offline_access') && !parameters.has('prompt')) parameters.set('prompt', 'consent');
  return `?${parameters.toString()}`;
}

/** oidc-provider has CORS everywhere but at registration, which browser clients need too. Answers the preflight. */
function allowBrowsers(req: IncomingMessage, res: ServerResponse): boolean {
  res.setHeader('access-control-allow-origin', req.headers.origin ?? '*');
  res.setHeader('vary', 'Origin');
  if (req.method !== 'OPTIONS') return false;
  res.setHeader('access-control-allow-methods', 'POST');
  res.setHeader(
    'access-control-allow-headers',
    req.headers['access-control-request-headers'] ?? 'content-type',
  );
  res.setHeader('access-control-max-age', '3600');
  res.writeHead(204).end();
  return true;
}

function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark) };
}

function notFound(res: ServerResponse): void {
  res.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not_found"}');
}

/** Until the realm is ready: a few milliseconds between the port's opening and the first key. */
function refuse(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(503, { 'retry-after': '1' }).end();
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
