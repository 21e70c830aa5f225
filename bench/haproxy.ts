// HAProxy with jwt_verify, as a yardstick where it is installed. Not part of the default run.
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { AUDIENCE } from '../test/kit/issuer.ts';
import type { Arena } from './arena.ts';
import { Child, type ChildOptions } from './child.ts';

/** One thread, as all the others. It knows one key and does not look at `kid`, and it finds a scope as a substring. */
export async function startHaproxy(
  arena: Arena,
  options: ChildOptions,
): Promise<{ process: Child; port: number }> {
  const directory = await mkdtemp(join(dirname(arena.configFile), 'haproxy-'));
  const file = (name: string) => join(directory, name);
  const jwk = arena.issuer.keys[0]?.jwk as JsonWebKey; // jose's type of the same object
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  const pem = `${await readFile(arena.certificateFile, 'utf8')}\n${await readFile(arena.keyFile, 'utf8')}`;
  const port = await freePort();
  await writeFile(file('key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(file('tls.pem'), pem, { mode: 0o600 });
  await writeFile(
    file('haproxy.cfg'),
    `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 75s
  http-reuse always
frontend mcp
  bind 127.0.0.1:${port} ssl crt ${file('tls.pem')} ssl-min-ver TLSv1.3 alpn http/1.1
  http-request deny deny_status 401 unless { http_auth_bearer -m found }
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request set-var(txn.iss) http_auth_bearer,jwt_payload_query('$.iss')
  http-request set-var(txn.aud) http_auth_bearer,jwt_payload_query('$.aud')
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.scope) http_auth_bearer,jwt_payload_query('$.scope')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.iss) -m str ${arena.issuer.issuer} }
  http-request deny deny_status 401 unless { var(txn.aud) -m str ${AUDIENCE} }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.alg,"${file('key.pem')}") 1 }
  http-request deny deny_status 403 unless { var(txn.scope) -m sub mcp:basic }
  http-request del-header authorization
  default_backend server
backend server
  server server 127.0.0.1:${arena.upstreamPort}
`,
  );
  const process = Child.foreign(['haproxy', '-db', '-f', file('haproxy.cfg')], options);
  await accepting(port, process);
  return { process, port };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** It says nothing when it is ready. */
async function accepting(port: number, process: Child): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`HAProxy did not start:\n${process.output}`);
}
