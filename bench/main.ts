// `npm run bench`: the real sidecar against the server alone, a bare proxy, and what one builds by hand. Wiring only.
import { openArena, type Arena } from './arena.ts';
import { Child, endAll } from './child.ts';
import { findCores } from './cores.ts';
import { writeResult } from './document.ts';
import { measureMemory, type MemoryUse } from './memory.ts';
import { parseOptions, USAGE, type Options } from './options.ts';
import { describeConditions, memoryTable, scenarioTable } from './report.ts';
import { Load, measure } from './rounds.ts';
import { plan, tokensNeeded } from './scenarios.ts';
import { startTarget, type RunningTarget } from './targets.ts';

const LOAD = new URL('./load.ts', import.meta.url).pathname;

async function bench(options: Options, args: readonly string[]): Promise<void> {
  const cores = findCores();
  const tokenCount = Math.max(1, ...options.scenarios.map((name) => tokensNeeded(name, options)));
  say(`Preparing ${tokenCount} tokens ...\n`);
  const arena = await openArena(cores, tokenCount);
  const load = new Load(
    Child.node(LOAD, [arena.certificateFile, arena.tokenFile], {
      name: 'the load generator',
      place: 'rest',
      cores,
    }),
  );
  const parts: string[] = [];
  const report = (part: string) => {
    parts.push(part);
    say(`\n${part}`);
  };
  report(
    `${describeConditions({ ...options, date: new Date().toISOString().slice(0, 10), pinning: cores.description, tokenBytes: arena.tokenBytes })}\n`,
  );
  await measureScenarios(options, arena, load, report);
  if (options.memory) {
    const uses: MemoryUse[] = [];
    for (const name of options.targets) {
      if (name !== 'direct') uses.push(await measureMemory(load, name, arena, options));
    }
    report(memoryTable(uses, options.streams));
  }
  await load.process.end();
  await arena.close();
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  if (options.write) writeResult(`Made by \`${command}\`.\n\n${parts.join('\n')}`);
}

async function measureScenarios(
  options: Options,
  arena: Arena,
  load: Load,
  report: (part: string) => void,
): Promise<void> {
  if (options.scenarios.length === 0) return;
  const targets: RunningTarget[] = [];
  for (const name of options.targets) targets.push(await startTarget(name, arena, options.otherMain));
  for (const name of options.scenarios) {
    report(scenarioTable(name, await measure(load, targets, plan(name, options), options.seconds)));
  }
  await Promise.all(targets.map(({ process: child }) => child.end()));
}

function say(text: string): void {
  process.stdout.write(text);
}

async function main(args: readonly string[]): Promise<void> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
  await bench(options, args);
}

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
