// The admin listener in the pod network: /livez, /readyz, /metrics, /status, /jwks. Plain HTTP,
// read-only, no secrets.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { answerText as send } from '../../base/http-answer.ts';
import { ADMIN_PATHS, type SidecarStatus } from '../../protocol/sidecar-status.ts';

interface AdminSources {
  /** What keeps the sidecar from serving requests, for people. */
  readonly problems: () => Promise<readonly string[]>;
  readonly status: () => Promise<SidecarStatus>;
  readonly metrics: () => Promise<string>;
  readonly metricsContentType: string;
  /** The public keys that identity assertions are signed with (RFC 7517): the MCP server of the pod fetches them. */
  readonly jwks: () => string;
}

const NOT_FOUND = `not found; try ${Object.values(ADMIN_PATHS).join(', ')}\n`;

export function createAdmin(sources: AdminSources): Server {
  return createServer((req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return send(res, 405, 'text/plain', 'use GET\n');
    answer(req.url ?? '', res, sources).catch(() => send(res, 500, 'text/plain', 'failed\n'));
  });
}

async function answer(path: string, res: ServerResponse, sources: AdminSources): Promise<void> {
  switch (path) {
    case ADMIN_PATHS.live:
      return send(res, 200, 'text/plain', 'ok\n');
    case ADMIN_PATHS.ready: {
      const problems = await sources.problems();
      if (problems.length === 0) return send(res, 200, 'text/plain', 'ok\n');
      return send(res, 503, 'text/plain', `not ready\n${problems.join('\n')}\n`);
    }
    case ADMIN_PATHS.metrics:
      return send(res, 200, sources.metricsContentType, await sources.metrics());
    case ADMIN_PATHS.status:
      return send(res, 200, 'application/json', `${JSON.stringify(await sources.status(), undefined, 2)}\n`);
    case ADMIN_PATHS.jwks:
      return send(res, 200, 'application/jwk-set+json', sources.jwks());
    default:
      return send(res, 404, 'text/plain', NOT_FOUND);
  }
}
