// An operator at work on a real API server without nodes, with the rights and under the policy that it is installed with.
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../src/base/log.ts';
import { Client } from '../../src/kube/client.ts';
import { Controller } from '../../src/operator/controller.ts';
import { createMetrics } from '../../src/operator/metrics.ts';
import { readSettings } from '../../src/operator/settings.ts';
import { startApiServer } from '../support/api-server.ts';
import { connect, createNamespace, eventually, installCrd } from './connect.ts';
import { installRights, OPERATOR_NAMESPACE, operatorAccount, untilEnforced } from './installation.ts';

export interface RunningOperator {
  /** An administrator's. */
  readonly client: Client;
  /** Every write of the operator's so far: equal texts mean that it wrote nothing. */
  readonly writes: () => Promise<string>;
  /** Takes the step, and waits until a reconcile has ended after it. */
  readonly lookAfter: (step: () => Promise<unknown>) => Promise<void>;
  /** What the operator logs, JSON, one text for each line. */
  readonly lines: string[];
  /** Of its probes, without a path. */
  readonly healthUrl: string;
  /** Ends the operator, and then the API server. */
  readonly end: () => Promise<void>;
}

/** There are the namespaces `demo` and the operator's, and no server yet. */
export async function startOperator(): Promise<RunningOperator> {
  const server = await startApiServer();
  const admin = connect(server);
  for (const name of ['demo', OPERATOR_NAMESPACE]) await createNamespace(admin.client, name);
  await installCrd(admin.client);
  await installRights(admin.client);
  const account = await operatorAccount(server, admin.transport);
  await untilEnforced(account);
  const place = { POD_NAMESPACE: OPERATOR_NAMESPACE, POD_NAME: 'operator-0', SIDECAR_IMAGE: 'sidecar:1' };
  const stop = new AbortController();
  const lines: string[] = [];
  const metrics = createMetrics();
  const controller = new Controller({
    settings: readSettings(place),
    client: new Client(account.transport),
    metrics,
    certManager: false,
    clock: () => Date.now(),
    log: createLogger('operator', 'info', { write: (line) => void lines.push(line) }),
    stop: stop.signal,
    identity: 'operator-0',
  });
  const health = controller.health();
  await new Promise<void>((resolve) => void health.listen(0, '127.0.0.1', resolve));
  const run = controller.run();
  const end = async () => {
    stop.abort();
    await run;
    health.closeAllConnections();
    health.close();
    await account.close();
    await admin.close();
    await server.stop();
  };
  const runs = async () => (await metrics.reconciles.get()).values.reduce((sum, { value }) => sum + value, 0);
  const lookAfter = async (step: () => Promise<unknown>) => {
    const before = await runs();
    await step();
    await eventually('it has looked', async () => (await runs()) > before);
  };
  const writes = async () => JSON.stringify((await metrics.writes.get()).values);
  const { port } = health.address() as AddressInfo;
  return { client: admin.client, writes, lookAfter, lines, healthUrl: `http://127.0.0.1:${port}`, end };
}
