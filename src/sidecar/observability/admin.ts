// The admin listener in the pod network: /livez, /readyz, /metrics, /status, /jwks. Plain HTTP, no secrets, nothing to change.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { answerText as send } from '../../base/http-answer.ts';

/** What the sidecar says of itself. Holds nothing that a client sent and no key material. */
export interface Status {
  readonly resource: string;
  readonly ready: boolean;
  /** What keeps it from being ready; empty when it is. */
  readonly problems: readonly string[];
  readonly issuers: readonly {
    readonly issuer: string;
    readonly keys: number;
    /** ISO 8601. */
    readonly loadedAt: string | undefined;
    readonly lastError: string | undefined;
    /** What its metadata says that contradicts the configuration (RFC 8414 section 3.3). */
    readonly mismatch: string | undefined;
  }[];
  readonly certificate: { readonly subjectAltName: string | undefined; readonly notAfter: string };
  /** SHA-256 of the configuration file that is in force, hexadecimal: tells whether a change has arrived. */
  readonly configDigest: string;
}

export interface AdminSources {
  readonly status: () => Promise<Status>;
  readonly metrics: () => Promise<string>;
  readonly metricsContentType: string;
  /** The public keys that identity assertions are signed with (RFC 7517): the server next door fetches them here. */
  readonly jwks: () => string;
}

export function createAdmin(sources: AdminSources): Server {
  return createServer((req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return send(res, 405, 'text/plain', 'use GET\n');
    answer(req.url ?? '', res, sources).catch(() => send(res, 500, 'text/plain', 'failed\n'));
  });
}

async function answer(path: string, res: ServerResponse, sources: AdminSources): Promise<void> {
  switch (path) {
    case '/livez':
      return send(res, 200, 'text/plain', 'ok\n');
    case '/readyz': {
      const { ready, problems } = await sources.status();
      return send(
        res,
        ready ? 200 : 503,
        'text/plain',
        ready ? 'ok\n' : `not ready\n${problems.join('\n')}\n`,
      );
    }
    case '/metrics':
      return send(res, 200, sources.metricsContentType, await sources.metrics());
    case '/status':
      return send(res, 200, 'application/json', `${JSON.stringify(await sources.status(), undefined, 2)}\n`);
    case '/jwks':
      return send(res, 200, 'application/jwk-set+json', sources.jwks());
    default:
      return send(res, 404, 'text/plain', 'here are /livez, /readyz, /metrics, /status and /jwks\n');
  }
}
