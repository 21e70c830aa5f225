// The sidecar program: one argument, the configuration file. Wiring only.
import { systemClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { stopSignal } from '../base/shutdown.ts';
import { CONFIG_EXIT_CODE } from '../protocol/sidecar-status.ts';
import { ConfigError, readConfig } from './config/config.ts';
import { fetchJson, fetchText } from './issuers/fetch.ts';
import { ListenError } from './http/listener.ts';
import { Sidecar } from './sidecar.ts';

const DEFAULT_FILE = '/etc/protected-mcp/config/config.json';

async function main(file: string): Promise<void> {
  const stop = stopSignal();
  const logger = createLogger('auth-sidecar', readConfig(file).config.logLevel);
  const sidecar = new Sidecar(file, { logger, clock: systemClock, fetchJson, fetchText, stop });
  await sidecar.start();
  await sidecar.closed;
  logger.info('stopped');
}

main(process.argv[2] ?? DEFAULT_FILE).catch((error: unknown) => {
  const expected = error instanceof ConfigError || error instanceof ListenError;
  process.stderr.write(
    `${expected ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(error instanceof ConfigError ? CONFIG_EXIT_CODE : 1);
});
