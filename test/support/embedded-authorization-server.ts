// The embedded authorization server on a free port with a CA in a temporary directory, for tests of a whole flow.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerOptions,
} from '../../src/local/authorization-server/authorization-server.ts';
import {
  openCertificateAuthority,
  type CertificateAuthority,
} from '../../src/local/certificates/certificate-authority.ts';

export interface EmbeddedAuthorizationServer extends AuthorizationServer {
  authority: CertificateAuthority;
  directory: string;
}

/** From then on this process's `fetch` trusts the server's certificate too. */
export async function startEmbeddedAuthorizationServer(
  options: Partial<AuthorizationServerOptions> = {},
): Promise<EmbeddedAuthorizationServer> {
  const directory = await mkdtemp(join(tmpdir(), 'protected-mcp-'));
  const clean = () => rm(directory, { recursive: true, force: true });
  try {
    const authority = await openCertificateAuthority({ directory });
    const tls = await authority.issueServerCertificate({
      commonName: 'localhost',
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1', '::1'],
    });
    setDefaultCACertificates([...getCACertificates('default'), authority.certificate]);
    const server = await startAuthorizationServer({ tls, port: 0, ...options });
    return { ...server, authority, directory, close: () => server.close().then(clean) };
  } catch (error) {
    await clean();
    throw error;
  }
}
