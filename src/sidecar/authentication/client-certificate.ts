// The thumbprint of the client certificate of a TLS connection (RFC 8705 section 3.1). Validates no certificate.
import { hash } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * SHA-256 of the certificate in DER, base64url; `undefined` for a client without one. The handshake has proven that the
 * client holds its key. Its issuer does not matter, because the token names the certificate itself (RFC 8705 sections 3
 * and 6.2).
 */
export function clientCertificateThumbprint(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { raw } = socket.getPeerX509Certificate() ?? {};
  return raw && hash('sha256', raw, 'base64url');
}
