// The conformance suite as a program: which cases, against what, and how the result is told. Wiring only.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { writeDocument } from './document.ts';
import { loadCases } from './load.ts';
import { prove, type Proof } from './mutants/prove.ts';
import { referenceTarget } from './mutants/reference/server.ts';
import { closingLines, report, row, table } from './report.ts';
import { runCases } from './runner.ts';
import type { Target } from './targets/target.ts';

const USAGE = `npm run conformance [-- OPTIONS]
  --target NAME    what is tested: a file of test/conformance/targets, or "reference" (default: sidecar)
  --only ID        this case; may be given more than once
  --section A      this section; may be given more than once
  --mutants        prove instead that every case can fail: run the deliberately wrong servers
  --report FILE    write the results as JSON as well
  --document FILE  write docs/conformance.md from such results, and run nothing; once for each target
`;

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'sidecar' },
    only: { type: 'string', multiple: true, default: [] },
    section: { type: 'string', multiple: true, default: [] },
    mutants: { type: 'boolean', default: false },
    report: { type: 'string' },
    document: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  if (values.help) {
    print(USAGE);
    return 0;
  }
  if (values.document.length > 0) {
    await writeDocument(values.document);
    return 0;
  }
  const cases = await loadCases({ only: values.only, sections: values.section });
  if (values.mutants) return proveCases(await prove(cases, print));
  const target = await loadTarget(values.target);
  const results = await runCases(cases, target, {
    onResult: (result) => process.stderr.write(`${row(result)[0]}\n`),
  });
  print(table(results, target));
  print(`\n${closingLines(results)}`);
  if (values.report !== undefined) {
    await writeFile(values.report, report(results, target));
  }
  return results.some(({ outcome }) => outcome === 'failed' || outcome === 'broken') ? 1 : 0;
}

async function loadTarget(name: string): Promise<Target> {
  if (name === 'reference') return referenceTarget();
  const file = new URL(`targets/${name}.ts`, import.meta.url);
  if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file)) throw new Error(`there is no target ${name}`);
  return ((await import(file.href)) as { target: Target }).target;
}

function proveCases({ caughtBy, defects }: Proof): number {
  print('\nEach case, and the mutants that it caught:');
  for (const [id, mutants] of caughtBy) print(`${id.padEnd(4)} ${mutants.join(', ')}`);
  for (const defect of defects) print(`✖ ${defect}`);
  print(`\nℹ pass ${[...caughtBy.values()].filter((mutants) => mutants.length > 0).length}`);
  print(`ℹ fail ${defects.length}`);
  return defects.length > 0 ? 1 : 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
// Some wrong servers keep what they should have let go of: a timer of an hour must not keep this process.
if (values.mutants) process.stdout.write('', () => process.exit());
