// Makes dist/<program>.mjs, one file for each program that goes into an image: `npm run bundle [PROGRAM...]`.
// Checks what each file is made of: the sidecar must not be able to talk to Kubernetes.
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** Programs with an image, each with the sources that its bundle must not hold. */
const PROGRAMS: Readonly<Record<string, RegExp | undefined>> = {
  operator: /^src\/(sidecar|local|realm|echo)\//,
  'helm-test': /^src\/(?!operator\/helm-test|base\/|protocol\/)|^node_modules\//,
  sidecar: /^src\/(kube|operator|desired|api|local)\/|^node_modules\/@kubernetes\//,
  echo: /^src\/(?!echo|base|protocol)|^node_modules\/@kubernetes\//,
  realm: /^src\/(kube|operator|sidecar|local)\/|^node_modules\/@kubernetes\//,
  'development-certificate': /^src\/(?!realm|pki|base|protocol)|^node_modules\/@kubernetes\//,
};

/** Programs that travel in another's image: the chart's test in the operator's, the certificate in the realm's. */
const COMPANIONS: Readonly<Record<string, string>> = {
  'helm-test': 'src/operator/helm-test.ts',
  'development-certificate': 'src/realm/development/main.ts',
};

/** Packages that are CommonJS call `require`, which a module has only if it makes one. */
const REQUIRE =
  "import { createRequire as nodeCreateRequire } from 'node:module';\nconst require = nodeCreateRequire(import.meta.url);";

/**
 * Bundles one program. Not minified: a stack trace from production should read like the source.
 * @throws when the bundle holds sources that this program must not have
 */
async function bundle(program: string): Promise<void> {
  const outfile = `dist/${program}.mjs`;
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entryPoint(program)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: REQUIRE },
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'eof',
    metafile: true,
    logLevel: 'warning',
  });
  const unwanted = contents(metafile, outfile).filter((source) => PROGRAMS[program]?.test(source));
  if (unwanted.length > 0) {
    rmSync(join(root, outfile));
    throw new Error(`${outfile} must not hold:\n  ${unwanted.join('\n  ')}`);
  }
  const kib = Math.round(statSync(join(root, outfile)).size / 1024);
  process.stdout.write(`${outfile}  ${kib} KiB\n`);
}

function entryPoint(program: string): string {
  return COMPANIONS[program] ?? `src/${program}/main.ts`;
}

/** The sources that are really in the file, after what is never called was left out. */
function contents(metafile: Metafile, outfile: string): string[] {
  const inputs = Object.entries(metafile.outputs[outfile]?.inputs ?? {});
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([source]) => source);
}

const asked = process.argv.slice(2);
const unknown = asked.filter((program) => !(program in PROGRAMS));
if (unknown.length > 0)
  throw new Error(`no program ${unknown.join(', ')}; there are: ${Object.keys(PROGRAMS).join(', ')}`);
const programs = (asked.length > 0 ? asked : Object.keys(PROGRAMS)).filter((program) =>
  existsSync(join(root, entryPoint(program))),
);
for (const program of programs) await bundle(program);
