// The public TLS listener: limits, certificate replacement, drain. Hands requests to the gateway and judges none.
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';

/** A head longer than this is answered with 431 (bytes). */
const MAX_HEADER_BYTES = 16 * 1024;
/** A client has this long for the TLS handshake, and again for a request head (milliseconds). */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than the idle time of common load balancers (60 s), so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const MAX_CONNECTIONS = 16_384;

export interface Certificate {
  /** PEM: the leaf first, then its chain. */
  readonly cert: string;
  /** PEM private key. */
  readonly key: string;
}

export type HandleRequest = (req: IncomingMessage, res: ServerResponse, expectsContinue: boolean) => void;

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
export function createListener(certificate: Certificate, handle: HandleRequest): Server {
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
      // Who issued a client's certificate does not matter: tokens name the certificate itself (RFC 8705 section 3).
      rejectUnauthorized: false,
    },
    (req, res) => handle(req, res, false),
  );
  // All fields are looked at or the request is refused: Node's own limit would drop the rest in silence.
  server.maxHeadersCount = 0;
  server.maxConnections = MAX_CONNECTIONS;
  // `100 Continue` only for a request that may pass (RFC 9110 section 10.1.1); else the answer comes without the body.
  server.on('checkContinue', (req, res) => handle(req, res, true));
  return server;
}

/** The next handshake gets the new certificate; connections that are open live on. */
export function replaceCertificate(server: Server, certificate: Certificate): void {
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

function tlsOptions({ cert, key }: Certificate) {
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
