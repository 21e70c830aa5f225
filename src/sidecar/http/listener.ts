// The public TLS listener: limits, certificate replacement, drain. Hands requests to the gateway and decides nothing about them.
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { PipelinedResponses } from './pipelining.ts';

/** A head longer than this is answered with 431 (bytes). */
const MAX_HEADER_BYTES = 16 * 1024;
/** A client has this long for the TLS handshake, and again for a request head (milliseconds). */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than the idle time of common load balancers (60 s), so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const MAX_CONNECTIONS = 16_384;
/** A client that does not close after its last answer is cut off after this (milliseconds). */
const LINGER_MS = 1_000;

/** What the public listener presents to clients. */
export interface ListenerCertificate {
  /** PEM: the leaf first, then its chain. */
  readonly cert: string;
  /** PEM private key. */
  readonly key: string;
}

type HandleRequest = (req: IncomingMessage, res: ServerResponse, expectsContinue: boolean) => void;

/** The listener could not be opened: says which port and what to do. */
export class ListenError extends Error {
  readonly code = 'ERR_LISTEN';

  constructor(what: string, { host, port }: { host: string; port: number }, cause: NodeJS.ErrnoException) {
    super(`${what} cannot listen on ${host} port ${port}: ${explain(cause, port)}`, { cause });
    this.name = 'ListenError';
  }
}

function explain(cause: NodeJS.ErrnoException, port: number): string {
  if (cause.code === 'EADDRINUSE')
    return `port ${port} is taken by another process; stop it or choose another port`;
  if (cause.code === 'EACCES') return `port ${port} needs more rights; choose one above 1023`;
  if (cause.code === 'EADDRNOTAVAIL') return 'this machine does not have that address';
  return cause.message;
}

/** Makes the TLS server. HTTP/1.1 only: HTTP/2 costs more CPU here than it gives (docs/adr/0002). */
export function createListener(certificate: ListenerCertificate, handle: HandleRequest): Server {
  /** RFC 9112 section 9.6: after an answer that ends the connection, what follows on it is no request. */
  const ended = new WeakSet<Socket>();
  const withUpgrade = new WeakSet<IncomingMessage>();
  const pipelined = new PipelinedResponses();
  const serve: HandleRequest = (req, res, expectsContinue) => {
    if (currentResponse(req.socket) !== res && !pipelined.tie(res, req.socket)) return void res.destroy();
    if (ended.has(req.socket)) return void res.destroy();
    // What follows a request to speak otherwise Node does not read as it should.
    if (withUpgrade.has(req)) res.shouldKeepAlive = false;
    handle(req, res, expectsContinue);
    if (!res.shouldKeepAlive) ended.add(req.socket);
  };
  const server = createServer(
    {
      ...tlsOptions(certificate),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // A tool call may take in a large body for hours; a body that stops arriving is ended by the proxy.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 5_000,
      noDelay: true,
      insecureHTTPParser: false,
      // The gateway asks for it: after Node's own refusal what follows on the connection would still be served.
      requireHostHeader: false,
      // No protocol is switched to: `Upgrade` is a field like others (RFC 9110 section 7.8).
      shouldUpgradeCallback: (req) => {
        withUpgrade.add(req);
        return false;
      },
      // Who issued a client's certificate does not matter: tokens name the certificate itself (RFC 8705 section 3).
      rejectUnauthorized: false,
    },
    (req, res) => serve(req, res, false),
  );
  // All fields are looked at or the request is refused: Node's own limit would drop the rest in silence.
  server.maxHeadersCount = 0;
  server.maxConnections = MAX_CONNECTIONS;
  // `100 Continue` only for a request that may pass (RFC 9110 section 10.1.1); else the answer comes without the body.
  server.on('checkContinue', (req, res) => serve(req, res, true));
  // Any other expectation may be overlooked; Node would answer by itself.
  server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => serve(req, res, false));
  const broken = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (broken.has(socket)) return; // every byte that follows is as unreadable
    broken.add(socket);
    const isEnded = ended.has(socket as Socket);
    ended.add(socket as Socket);
    endAfterAnswers(socket, isEnded ? undefined : malformedAnswer(error.code));
  });
  return server;
}

/**
 * Ends a connection on which something came that is no request. Those before it were requests: each gets its own answer
 * first, or a refusal would be taken for the answer to a call that has run (RFC 9112 section 9.3.2).
 */
function endAfterAnswers(socket: Duplex, refusal: string | undefined): void {
  const current = currentResponse(socket);
  if (current?.req.complete) {
    current.once('close', () => endAfterAnswers(socket, refusal));
    return;
  }
  // In the middle of the body of this one. Nothing may be written into a response that is on its way.
  // Not `destroy`: a refusal that was just written would be lost with the connection.
  if (!socket.destroyed) socket.end(current?.headersSent ? undefined : refusal);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** The response whose turn it is on a connection. Node keeps it in this member, and only there. */
function currentResponse(socket: Duplex): ServerResponse | undefined {
  return (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/** What Node's parser could not read (RFC 9112 section 2.2): the answer to what is no request. */
function malformedAnswer(code: string | undefined): string {
  const status = MALFORMED[code ?? ''] ?? '400 Bad Request';
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}

const MALFORMED: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** The next handshake gets the new certificate; connections that are open live on. */
export function replaceCertificate(server: Server, certificate: ListenerCertificate): void {
  server.setSecureContext(tlsOptions(certificate));
}

/**
 * Whether handshakes from now on ask for a client certificate; connections that are open live on without.
 * @returns whether that is a change
 */
export function askForClientCertificates(server: Server, wanted: boolean): boolean {
  // Node reads this for each connection it accepts; only the types keep silent about it.
  const options = server as Server & { requestCert: boolean };
  if (options.requestCert === wanted) return false;
  options.requestCert = wanted;
  return true;
}

function tlsOptions({ cert, key }: ListenerCertificate) {
  return { cert, key, minVersion: 'TLSv1.2' as const, honorCipherOrder: true };
}

/**
 * Opens a listener.
 * @returns the port, which the system chose if 0 was asked for
 * @throws ListenError naming the port
 */
export function listen(
  server: NetServer,
  what: string,
  address: { host: string; port: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => reject(new ListenError(what, address, cause));
    server.once('error', onError);
    server.listen(address.port, address.host, () => {
      server.off('error', onError);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
