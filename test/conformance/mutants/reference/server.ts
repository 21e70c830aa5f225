// A resource server that does what sections A to D ask, and no more: a second opinion on the cases, and the body that
// every mutant gives its mistake to. Plain Node, nothing of the project's code.
import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import {
  createServer as createNetServer,
  type AddressInfo,
  type Socket,
  type Server as NetServer,
} from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TestCertificate } from '../../../kit/certificate.ts';
import { WELL_KNOWN } from '../../needs.ts';
import { Refused, type Running, type Setup, type Target } from '../../targets/target.ts';
import type { Fault, Wrong } from '../mutants.ts';
import { refusal, type Cause } from './challenge.ts';
import { ReferenceClock } from './clock.ts';
import { canonicalResource, metadataDocument, metadataPath, metadataUrl, problems } from './configuration.ts';
import { Credentials, credentialsOf } from './credentials.ts';
import { Failures, serveExtras } from './extras.ts';
import { forward, send } from './forward.ts';
import {
  closeUnread,
  endUnread,
  framingProblem,
  isAfterTheEnd,
  listenerOptions,
  targetOf,
} from './hygiene.ts';
import { Introspection } from './introspection.ts';
import type { Members } from './jws.ts';
import { Keys, Unavailable } from './keys.ts';
import { refuseUnreadable } from './limits.ts';
import { namesTag, tagOf } from './entity-tag.ts';
import { checkCertificate, checkProof, InvalidProof, NonceWanted } from './proof.ts';
import { holds, InvalidToken, scopesOf, verifyToken, type ReferenceContext } from './token.ts';
import { ReferenceTransport } from './transport.ts';

/** The reference without a fault, or one of the mutants. */
export function referenceTarget(fault?: Fault): Target {
  const wrong: Wrong = (asked) => asked === fault;
  return {
    name: fault === undefined ? 'reference' : `mutant ${fault}`,
    version: '0',
    supports: () => undefined,
    start: async (setup) => {
      const found = problems(setup);
      if (found.length > 0 && !wrong('starts-with-anything')) throw new Refused(found.join('\n'));
      const server = new ReferenceServer(setup, wrong);
      await server.start();
      return server;
    },
  };
}

const METADATA_CORS = ['Access-Control-Allow-Origin', '*'];

class ReferenceServer implements Running {
  readonly address = { host: '127.0.0.1', port: 0 };
  readonly #setup: Setup;
  readonly #resource: string;
  readonly #context: ReferenceContext;
  readonly #introspection: Introspection;
  readonly #transport: ReferenceTransport;
  readonly #failures: Failures;
  /** Requests that wait for `100 Continue`. */
  readonly #waiting = new WeakSet<IncomingMessage>();
  /** Of requests that were authorized. */
  readonly #claims = new WeakMap<IncomingMessage, Members>();
  readonly #server: Server;
  /** Where connections come in: the TLS server, or what stands before it. */
  readonly #door: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #seenProofs = new Set<string>();
  readonly #remembered = new WeakMap<object, Members>();
  readonly #lines: string[] = [];
  #isEnding = false;

  constructor(setup: Setup, wrong: Wrong) {
    this.#resource = URL.canParse(setup.resource)
      ? canonicalResource(setup.resource, wrong)
      : 'https://anything.test/';
    this.#setup = setup;
    const clock = new ReferenceClock();
    const log = (line: string) => void this.#lines.push(line);
    const keys = new Map(
      setup.issuers.map((issuer) => [issuer.issuer, new Keys(issuer, { wrong, clock, log })]),
    );
    if (setup.scopesSupported.includes('offline_access')) log('warning: offline_access is not published');
    this.#context = { setup, wrong, clock, keys };
    this.#introspection = new Introspection(this.#context);
    this.#transport = new ReferenceTransport(this.#context);
    this.#failures = new Failures(this.#context);
    const { cert, key } = setup.certificate;
    this.#server = createServer(
      {
        cert,
        key,
        requestCert: setup.clientCertificates ?? false,
        rejectUnauthorized: false,
        maxHeaderSize: wrong('unbounded-token') ? 4 * 1024 * 1024 : 16_384,
        ...listenerOptions(wrong),
      },
      this.#handle,
    );
    refuseUnreadable(this.#server, wrong);
    if (!wrong('continues-for-everyone')) {
      this.#server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
        this.#waiting.add(req);
        this.#handle(req, res);
      });
    }
    this.#door = wrong('plaintext-too') ? this.#eitherWay() : this.#server;
  }

  /** Looks at the first byte: a TLS record, or plain HTTP. */
  #eitherWay(): NetServer {
    const plain = createPlainServer(this.#handle);
    return createNetServer((socket) => {
      socket.once('data', (first) => {
        socket.pause();
        socket.unshift(first);
        (first[0] === 0x16 ? this.#server : plain).emit('connection', socket);
        process.nextTick(() => socket.resume());
      });
    });
  }

  async start(): Promise<void> {
    this.#door.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#door.listen(0, '127.0.0.1');
    await once(this.#door, 'listening');
    this.address.port = (this.#door.address() as AddressInfo).port;
    await Promise.all([...this.#context.keys.values()].map((keys) => keys.refresh()));
  }

  log(): string {
    return this.#lines.join('\n');
  }

  ready(): Promise<boolean> {
    const isEnding = this.#isEnding && !this.#context.wrong('ready-to-the-end');
    return Promise.resolve(!isEnding && [...this.#context.keys.values()].every(({ available }) => available));
  }

  advance(milliseconds: number): Promise<void> {
    this.#context.clock.advance(milliseconds);
    return new Promise((resolve) => setTimeout(resolve, 100));
  }

  replaceCertificate({ cert, key }: TestCertificate): Promise<void> {
    if (!this.#context.wrong('keeps-certificate')) this.#server.setSecureContext({ cert, key });
    return Promise.resolve();
  }

  terminate(): void {
    this.#isEnding = true;
    if (!this.#context.wrong('accepts-to-the-end')) this.#door.close();
    void this.#transport.drain().then(() => {
      if (this.#context.wrong('waits-for-idle')) return;
      for (const socket of this.#sockets) socket.destroy();
      this.#door.close();
    });
  }

  async stop(): Promise<void> {
    for (const keys of this.#context.keys.values()) keys.stop();
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#door.listening) return;
    this.#door.close();
    await once(this.#door, 'close');
  }

  readonly #handle = (req: IncomingMessage, res: ServerResponse): void => {
    if (isAfterTheEnd(req, this.#context.wrong)) return;
    const problem = framingProblem(req, this.#context);
    if (problem !== undefined) return void endUnread(req, res, problem);
    const { target } = targetOf(req);
    req.url = target;
    if (!this.#context.wrong('keeps-unread-bodies')) closeUnread(req, res);
    this.#serve(req, res).catch((error: unknown) => {
      this.#lines.push(String(error));
      if (res.headersSent) res.destroy();
      else send(res, 500, [], '{"error":"internal_error"}');
    });
  };

  /** What the client is told: ours, whatever it called us; a fault believes the client. */
  #url(req: IncomingMessage): string {
    const url = metadataUrl(this.#resource);
    const forwarded = req.headers['x-forwarded-host'];
    const { wrong } = this.#context;
    const told = wrong('honours-host')
      ? req.headers.host
      : wrong('honours-x-forwarded-host')
        ? forwarded
        : undefined;
    return told === undefined ? url : url.replace(new URL(url).host, String(told));
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { wrong } = this.#context;
    const [path = '', search = ''] = (req.url ?? '').split('?');
    const host = (req.headers.host ?? '').split(':')[0];
    const isOurs = host === new URL(this.#resource).hostname;
    if (!isOurs && !wrong('honours-host') && !wrong('any-host')) return send(res, 421, [], '');
    if (path.startsWith(WELL_KNOWN)) {
      if (wrong('metadata-from-upstream')) return forward(req, res, search, this.#context);
      return this.#serveMetadata(req, res, path);
    }
    if (await serveExtras(path, res, this.#context)) return;
    if (path !== new URL(this.#resource).pathname && !wrong('forwards-every-path')) {
      return send(res, 404, [], '');
    }
    return this.#serveProtected(req, res, search);
  }

  #serveMetadata(req: IncomingMessage, res: ServerResponse, path: string): void {
    const { wrong } = this.#context;
    const cors = wrong('metadata-without-cors') ? [] : METADATA_CORS;
    const document = this.#documentAt(path, req);
    if (document === undefined) return send(res, 404, cors, '');
    if (req.method === 'OPTIONS') {
      const allow = [
        'Access-Control-Allow-Methods',
        'GET',
        'Access-Control-Allow-Headers',
        'MCP-Protocol-Version',
      ];
      return send(res, 204, [...cors, ...allow], '');
    }
    if (req.method !== 'GET' && req.method !== 'HEAD' && !wrong('metadata-for-any-method')) {
      return send(res, 405, [...cors, 'Allow', 'GET, HEAD, OPTIONS'], '');
    }
    if (wrong('metadata-checks-tokens') && req.headers.authorization !== undefined) {
      return send(res, 401, cors, '');
    }
    const age = wrong('metadata-for-a-year') ? 31_536_000 : 300;
    const text = JSON.stringify(document);
    const tag = tagOf(text);
    const headers = [...cors, 'Cache-Control', `public, max-age=${age}`, 'ETag', tag];
    if (namesTag(req.headers['if-none-match'], tag, wrong)) return send(res, 304, headers, '');
    send(res, 200, [...headers, 'Content-Type', 'application/json'], text);
  }

  #documentAt(path: string, req: IncomingMessage): Record<string, unknown> | undefined {
    const { wrong } = this.#context;
    const { origin } = new URL(this.#url(req));
    const resource = origin === new URL(this.#resource).origin ? this.#resource : `${origin}/mcp`;
    const rootDocument = wrong('no-root-document') ? 'Off' : (this.#setup.rootDocument ?? 'Alias');
    const isOrigin = metadataPath(resource) === WELL_KNOWN;
    if (path === metadataPath(resource) && (isOrigin || !wrong('root-metadata-only'))) {
      return metadataDocument(this.#setup, resource, wrong);
    }
    if (path === WELL_KNOWN && rootDocument !== 'Off') {
      return metadataDocument(this.#setup, rootDocument === 'Origin' ? origin : resource, wrong);
    }
    if (!wrong('resource-from-suffix')) return undefined;
    return metadataDocument(this.#setup, origin + path.slice(WELL_KNOWN.length), wrong);
  }

  async #serveProtected(req: IncomingMessage, res: ServerResponse, search: string): Promise<void> {
    const { wrong } = this.#context;
    const { origin } = req.headers;
    if (!allowsOrigin(origin, this.#context)) return send(res, 403, [], '');
    if (req.method === 'OPTIONS' && origin !== undefined && !wrong('preflight-needs-token')) {
      return send(res, 204, preflight(req, origin, wrong), '');
    }
    const exposed = wrong('hides-challenge-from-browsers')
      ? 'Mcp-Session-Id'
      : 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, DPoP-Nonce';
    const cors =
      origin === undefined
        ? []
        : ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', exposed, 'Vary', 'Origin'];
    const isPublic =
      (req.method === 'GET' && wrong('get-is-public')) ||
      (req.headers['mcp-session-id'] !== undefined && wrong('session-is-credential')) ||
      (req.headers['mcp-method'] === 'server/discover' && wrong('discover-is-public'));
    const cause = isPublic ? undefined : await this.#checkRequest(req, search);
    if (cause === undefined) {
      const claims = this.#claims.get(req) ?? {};
      if (this.#waiting.has(req)) res.writeContinue();
      const refuse = (problem: InvalidToken) => {
        const refused = { error: 'invalid_token', scopes: this.#context.setup.requiredScopes } as const;
        const { status, headers, body } = refusal(
          { ...refused, detail: problem.message },
          this.#url(req),
          this.#context,
        );
        send(res, status, [...headers, ...cors], body);
      };
      const look = () => this.#look(req, search);
      return this.#transport.relay(req, res, { search, cors, claims, look, refuse });
    }
    if (cause === 'unavailable') {
      return send(
        res,
        503,
        [...cors, 'Retry-After', '5', 'Cache-Control', 'no-store'],
        '{"error":"unavailable"}',
      );
    }
    if (cause.error === 'invalid_token' && this.#failures.count(req))
      return send(res, 429, [...cors, 'Retry-After', '60'], '');
    const { status, headers, body } = refusal(cause, this.#url(req), this.#context);
    send(res, status, [...headers, ...cors], body);
  }

  /** Why not, or undefined. */
  async #checkRequest(req: IncomingMessage, search: string): Promise<Cause | 'unavailable' | undefined> {
    const { setup, wrong } = this.#context;
    const required = setup.requiredScopes;
    const first =
      (setup.initialScopes === 'All' && !wrong('baseline-always')) || required.length === 0
        ? setup.scopesSupported
        : required;
    const known = this.#remembered.get(req.socket);
    const credentials =
      known === undefined ? credentialsOf(req, search, setup, wrong) : new Credentials('Bearer', '');
    if (credentials === 'malformed') return { error: 'invalid_request', scopes: first };
    if (credentials === undefined) return { scopes: first };
    const { scheme, token } = credentials;
    try {
      const claims = known ?? (await this.#verify(token, credentials, req));
      if (wrong('connection-remembers')) this.#remembered.set(req.socket, claims);
      this.#claims.set(req, claims);
      return this.#shortfall(scopesOf(claims, wrong));
    } catch (error) {
      if (error instanceof Unavailable) {
        return wrong('401-without-keys') ? { error: 'invalid_token', scopes: first } : 'unavailable';
      }
      if (!(error instanceof Error)) throw error;
      if (wrong('logs-tokens')) this.#lines.push(`refused ${token}`);
      const early = wrong('scope-before-expiry') && this.#shortfallOf(token);
      if (early) return early;
      const common = { scheme, scopes: first, detail: error.message, quoted: headerText(token) };
      if (error instanceof NonceWanted) return { ...common, error: 'use_dpop_nonce' };
      if (error instanceof InvalidProof) return { ...common, error: 'invalid_dpop_proof' };
      if (error instanceof InvalidToken) return { ...common, error: 'invalid_token' };
      throw error;
    }
  }

  /** Whether a JWT that was good is good now. */
  async #look(req: IncomingMessage, search: string): Promise<InvalidToken | undefined> {
    const { setup, wrong } = this.#context;
    const credentials = credentialsOf(req, search, setup, wrong);
    if (credentials === 'malformed' || !credentials?.token.includes('.')) return undefined;
    try {
      await verifyToken(credentials.token, this.#context);
      return undefined;
    } catch (error) {
      return error instanceof InvalidToken ? error : undefined;
    }
  }

  async #verify(token: string, { scheme }: Credentials, req: IncomingMessage): Promise<Members> {
    const { setup, wrong } = this.#context;
    const opaque = setup.introspection && !token.includes('.');
    const claims = await (opaque ? this.#introspection.verify(token) : verifyToken(token, this.#context));
    if (scheme === 'DPoP') {
      const proofs = req.headersDistinct['dpop'] ?? [];
      const method = req.method ?? '';
      checkProof({ proofs, token, claims, method, seen: this.#seenProofs }, this.#context);
    } else if (
      setup.clientCertificates &&
      (claims['cnf'] as Members | undefined)?.['x5t#S256'] !== undefined
    ) {
      checkCertificate(claims, req.socket as TLSSocket, wrong);
    } else if (claims['cnf'] !== undefined && !wrong('bound-token-as-bearer')) {
      throw new InvalidToken('bound');
    }
    return claims;
  }

  #shortfallOf(token: string): Cause | undefined {
    try {
      const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
      return this.#shortfall(scopesOf(JSON.parse(claims) as Members, this.#context.wrong));
    } catch {
      return undefined;
    }
  }

  #shortfall(granted: readonly string[]): Cause | undefined {
    const { setup, wrong } = this.#context;
    const missing = setup.requiredScopes.filter((scope) => !holds(granted, scope, this.#context));
    if (missing.length === 0) return undefined;
    const known = granted.filter((scope) => setup.scopesSupported.includes(scope));
    const kept = wrong('echoes-granted-scopes')
      ? granted
      : setup.stepUpScopes === 'IncludeGranted'
        ? known
        : [];
    const needed = wrong('one-scope-at-a-time') ? missing.slice(0, 1) : setup.requiredScopes;
    return { error: 'insufficient_scope', scopes: [...new Set([...kept, ...needed])] };
  }
}

function headerText(token: string): string {
  return Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('latin1');
}

/** Scheme and host in any case (RFC 6454); never by their beginning. */
function allowsOrigin(origin: string | undefined, { setup, wrong }: ReferenceContext): boolean {
  if (origin === undefined || wrong('any-origin')) return true;
  if (wrong('origin-bytes-only')) return setup.allowedOrigins.includes(origin);
  const asked = origin.toLowerCase();
  if (wrong('origin-by-prefix')) return setup.allowedOrigins.some((allowed) => asked.startsWith(allowed));
  return setup.allowedOrigins.some((allowed) => allowed.toLowerCase() === asked);
}

const CORS_FIELDS = [
  ...['Authorization', 'Content-Type', 'Accept', 'MCP-Protocol-Version', 'Mcp-Session-Id'],
  ...['Last-Event-ID', 'Mcp-Method', 'Mcp-Name', 'DPoP'],
];

function preflight(req: IncomingMessage, origin: string, wrong: Wrong): string[] {
  const asked = (req.headers['access-control-request-headers'] ?? '').split(',');
  const parameters = asked.map((name) => name.trim()).filter((name) => /^mcp-param-/i.test(name));
  const fields = wrong('wildcard-preflight') ? ['*'] : [...CORS_FIELDS, ...parameters];
  const allowed = { Origin: origin, Methods: 'GET, POST, DELETE', Headers: fields.join(', ') };
  const lines = Object.entries(allowed).flatMap(([name, value]) => [`Access-Control-Allow-${name}`, value]);
  return [...lines, 'Vary', 'Origin'];
}
