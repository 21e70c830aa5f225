// The realm program: command line, files, exit code. Wiring only.
import { setDefaultCACertificates } from 'node:tls';
import { aborted, stopSignal } from '../base/shutdown.ts';
import { describeFailure, RealmError } from './failure.ts';
import { parseOptions, USAGE } from './options.ts';
import { maintainRealm } from './maintain-realm.ts';
import { readSettings } from './settings.ts';

/** A shell's code for a program that was ended by SIGTERM. */
const STOPPED = 143;

/** Plain lines: people read them with `kubectl logs`, and a run is a handful of them. */
const print = (line: string) => void process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<void> {
  const parsed = parseOptions(args);
  if (!parsed.ok) throw new RealmError('ERR_CONFIG', `${parsed.problem}; --help lists the options`);
  const { options } = parsed;
  if (options.help) return void process.stdout.write(USAGE);

  const settings = readSettings(options.config);
  // For `fetch`, which the library uses: these and no others.
  if (settings.authorities) setDefaultCACertificates([...settings.authorities]);
  await maintainRealm(settings, { print, dryRun: options.dryRun });
}

function fail(error: unknown): void {
  const { text, exitCode } = describeFailure(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = exitCode;
}

// Every step can be the last one: the next run goes on from there.
void aborted(stopSignal()).then(() => {
  process.stderr.write('stopped before completion; run again\n');
  process.exit(STOPPED);
});
await main(process.argv.slice(2)).catch(fail);
