// The operator program: environment, signals, start, stop. Wiring only.
import { randomUUID } from 'node:crypto';
import { systemClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { stopSignal } from '../base/shutdown.ts';
import { Client } from '../kube/client.ts';
import { kubeConfigCredentials, loadKubeConfig } from '../kube/credentials.ts';
import { createTransport } from '../kube/transport.ts';
import { canUseCertManager } from './cert-manager.ts';
import { Controller, LeadershipLost } from './controller.ts';
import { countRequests, createMetrics } from './metrics.ts';
import { readSettings, SettingsError } from './settings.ts';

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const log = createLogger('operator', settings.logLevel);
  const stop = stopSignal();
  const credentials = kubeConfigCredentials(loadKubeConfig());
  const transport = createTransport(credentials, {
    userAgent: 'protected-mcp-operator',
    onWarning: (warning, what) => log.warn({ warning, what }, 'API server warning'),
  });
  const metrics = createMetrics();
  const client = new Client(countRequests(transport, metrics.requests));
  const [watched] = settings.watchNamespaces ?? [];
  const certManager = await canUseCertManager(client, watched, { log, signal: stop });
  const controller = new Controller({
    settings,
    client,
    metrics,
    certManager,
    clock: systemClock,
    log,
    stop,
    identity: `${settings.podName}_${randomUUID()}`,
  });
  const health = controller.health();
  await new Promise<void>((resolve, reject) => {
    health.once('error', reject);
    health.listen(settings.healthPort, resolve);
  });
  try {
    await controller.run();
  } finally {
    health.closeAllConnections();
    health.close();
    await credentials.destroy();
  }
  log.info('stopped');
}

main().catch((error: unknown) => {
  const expected = error instanceof SettingsError || error instanceof LeadershipLost;
  process.stderr.write(
    `${expected ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(error instanceof SettingsError ? 2 : 1);
});
