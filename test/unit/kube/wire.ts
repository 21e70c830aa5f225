// A client of a scripted server, and a log that keeps what it is told.
import { createLogger, type Logger } from '../../../src/base/log.ts';
import { Client } from '../../../src/kube/client.ts';
import { kubeConfigCredentials } from '../../../src/kube/credentials.ts';
import { createTransport, type TransportOptions } from '../../../src/kube/transport.ts';
import type { ScriptedServer } from './scripted-server.ts';

export const silent: Logger = createLogger('test', 'silent');
export const never: AbortSignal = new AbortController().signal;

export function clientOf(
  server: ScriptedServer,
  options: Partial<TransportOptions> = {},
  config = server.config(),
) {
  const credentials = kubeConfigCredentials(config);
  const client = new Client(createTransport(credentials, { userAgent: 'test', ...options }));
  return { client, credentials, close: () => credentials.destroy() };
}
