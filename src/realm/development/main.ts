// The Job `keycloak-certificate` of the development Keycloak: makes what no repository may hold. Wiring only.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { createLogger } from '../../base/log.ts';
import { ApiServer } from './api-server.ts';
import { ensureCredentials } from './credentials.ts';

/** Where the kubelet puts what a pod needs to talk to its API server. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const log = createLogger('development-certificate', 'info');

async function main({
  KUBERNETES_SERVICE_HOST: host,
  KUBERNETES_SERVICE_PORT: port,
}: NodeJS.ProcessEnv): Promise<void> {
  if (!host || !port) throw new Error('no KUBERNETES_SERVICE_HOST and PORT: this program runs in a pod');
  const read = (name: string) => readFileSync(join(SERVICE_ACCOUNT, name), 'utf8').trim();
  const namespace = read('namespace');
  const api = new ApiServer({ host, port: Number(port), ca: read('ca.crt'), token: read('token') });
  for (const line of await ensureCredentials(api, { namespace, clock: systemClock })) {
    log.info({ namespace, object: line.object, action: line.action }, 'credential');
  }
}

main(process.env).catch((error: unknown) => {
  log.error({ err: error }, 'failed');
  process.exitCode = 1;
});
