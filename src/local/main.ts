// `npm start`: a ProtectedMcpServer on this machine, without a cluster. Wiring only.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { stopSignal } from '../base/shutdown.ts';
import { desired } from '../desired/index.ts';
import { banner } from './banner.ts';
import { openCertificateAuthority } from './certificates/certificate-authority.ts';
import { parseOptions, USAGE, type LocalOptions } from './options.ts';
import { plan } from './plan/plan.ts';
import type { PlanProblem, Result } from './plan/result.ts';
import { chooseServer } from './plan/server-choice.ts';
import { run } from './run.ts';
import { describeProblem, readManifests, type SourceFile } from './manifests/validation.ts';

const LOCAL_DIRECTORY = '.local';

/** Invalid input: exit code 2. Only the message is printed. */
class InputError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  const parsed = parseOptions(args);
  if (!parsed.ok) throw new InputError([...parsed.problems, '', USAGE].join('\n'));
  const { options } = parsed;
  if (options.help) return print(USAGE);

  const read = readManifests(await readFiles(options.files));
  if (!read.ok) throw new InputError(read.problems.map(describeProblem).join('\n'));
  const server = valueOf(chooseServer(read.manifests, options), options);
  if (options.render) {
    const objects = desired({ server, sidecarImage: `protected-mcp-sidecar:${packageJson.version}` });
    return print(objects.map((object) => stringify(object)).join('---\n'));
  }

  const stop = stopSignal();
  const authority = await openCertificateAuthority({ directory: LOCAL_DIRECTORY });
  const issuerCa =
    options.issuer?.caFile === undefined ? undefined : (await readText(options.issuer.caFile)).text;
  const directory = runDirectory();
  const localCa = authority.certificate;
  const planned = valueOf(
    plan(server, { manifests: read.manifests, options, localCa, issuerCa, directory }),
    options,
  );
  await run(planned, { directory, authority, stop, print: (line) => print(`${line}\n`) }, () => {
    const caFile = relative(process.cwd(), resolve(authority.certificateFile));
    print(banner({ plan: planned, caFile, tookMs: performance.now() - startedAt }));
  });
}

async function readFiles(files: readonly string[]): Promise<SourceFile[]> {
  const results = await Promise.allSettled(files.map(readText));
  const problems = results.flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as Error).message] : [],
  );
  if (problems.length > 0) throw new InputError(problems.join('\n'));
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function readText(file: string): Promise<SourceFile> {
  try {
    return { file, text: await readFile(file, 'utf8') };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a directory' : `cannot be read (${code})`;
    throw new InputError(`${file}: ${why}`);
  }
}

/** A directory of this run's own, so that two runs never share a file. `run` makes it, and removes it. */
function runDirectory(): string {
  return resolve(LOCAL_DIRECTORY, 'run', `run-${randomUUID()}`);
}

function valueOf<T>(result: Result<T>, options: LocalOptions): T {
  if (result.ok) return result.value;
  throw new InputError(result.problems.map((problem) => describePlanProblem(problem, options)).join('\n'));
}

function describePlanProblem({ path, message }: PlanProblem, options: LocalOptions): string {
  return [options.files.join(', '), ...(path === '' ? [] : [path]), message].join(': ');
}

function print(text: string): void {
  process.stdout.write(text);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  // Expected failures are an InputError or carry a code: their message suffices. Anything else is a bug: with its stack.
  const expected = error instanceof InputError || (error instanceof Error && 'code' in error);
  process.stderr.write(
    `${expected ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(error instanceof InputError ? 2 : 1);
});
