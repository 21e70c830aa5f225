// The operator's own HTTP port: /livez, /readyz, /metrics. Not the cluster's health: a restart would not help it.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { answerText as send } from '../base/http-answer.ts';
import { OK } from '../protocol/operator-standing.ts';

export interface HealthSources {
  /** Why the process should be restarted; undefined when it should not. */
  readonly notLive: () => string | undefined;
  /** Why it cannot work yet; undefined when it can. */
  readonly notReady: () => string | undefined;
  /** What it is ready for: to work, or to stand by. */
  readonly standing?: () => string;
  readonly metrics: () => Promise<string>;
  readonly metricsContentType: string;
}

export function createHealth(sources: HealthSources): Server {
  return createServer((req, res) => {
    answer(req.url ?? '', res, sources).catch(() => send(res, 500, 'text/plain', 'failed\n'));
  });
}

async function answer(path: string, res: ServerResponse, sources: HealthSources): Promise<void> {
  switch (path) {
    case '/livez':
      return verdict(res, sources.notLive(), OK);
    case '/readyz':
      return verdict(res, sources.notReady(), sources.standing?.() ?? OK);
    case '/metrics':
      return send(res, 200, sources.metricsContentType, await sources.metrics());
    default:
      return send(res, 404, 'text/plain', 'not found; try /livez, /readyz or /metrics\n');
  }
}

function verdict(res: ServerResponse, problem: string | undefined, good: string): void {
  send(res, problem === undefined ? 200 : 503, 'text/plain', `${problem ?? good}\n`);
}
