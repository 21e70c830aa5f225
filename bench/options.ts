// The benchmark's command line.
import { parseArgs } from 'node:util';
import { SCENARIO_NAMES, type ScenarioName } from './scenarios.ts';
import { DEFAULT_TARGETS, isAvailable, TARGET_NAMES, type TargetName } from './targets.ts';

export interface Options {
  readonly targets: readonly TargetName[];
  readonly scenarios: readonly ScenarioName[];
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly connections: number;
  /** Tokens in one measurement of misses. */
  readonly misses: number;
  /** Open streams for the memory measurement. */
  readonly streams: number;
  readonly memory: boolean;
  readonly write: boolean;
  /** The sidecar's main.ts in another checkout. */
  readonly otherMain: string;
}

export const USAGE = `usage: npm run bench -- [options]
  --quick              one short round of everything, about half a minute
  --scenario NAME      only this one, may be repeated: ${SCENARIO_NAMES.join(', ')}, memory
  --target NAME        only this one, may be repeated: ${TARGET_NAMES.filter((name) => name !== 'other').join(', ')}
  --seconds N          length of one measurement (2; quick 0.6)
  --rounds N           rounds, of which the medians are shown (3; quick 1)
  --streams N          open streams for the memory measurement (1000; quick 300)
  --compare FILE       src/sidecar/main.ts of another checkout, measured in the same rounds
  --write              put the result into docs/performance.md
`;

/** @throws Error with what is wrong */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      scenario: { type: 'string', multiple: true },
      target: { type: 'string', multiple: true },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      streams: { type: 'string' },
      compare: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) throw new Error('Measures the sidecar against what one could put in its place.');
  const { quick } = values;
  const targets = (values.target ?? DEFAULT_TARGETS).map(targetName);
  if (targets.includes('other') && values.compare === undefined)
    throw new Error('target "other" is set by --compare');
  const scenarios = values.scenario ?? [...SCENARIO_NAMES, 'memory'];
  return {
    targets: values.compare === undefined ? targets : [...new Set<TargetName>([...targets, 'other'])],
    scenarios: scenarios.filter((name) => name !== 'memory').map(scenarioName),
    rounds: positive(values.rounds, quick ? 1 : 3),
    seconds: positive(values.seconds, quick ? 0.6 : 2),
    connections: 32,
    misses: quick ? 2_000 : 4_000,
    streams: positive(values.streams, quick ? 300 : 1_000),
    memory: scenarios.includes('memory'),
    write: values.write,
    otherMain: values.compare ?? '',
  };
}

function targetName(name: string): TargetName {
  const found = TARGET_NAMES.find((known) => known === name);
  if (found === undefined) throw new Error(`no target "${name}"; there are: ${TARGET_NAMES.join(', ')}`);
  if (!isAvailable(found)) throw new Error(`target "${name}" needs the program of that name on the PATH`);
  return found;
}

function scenarioName(name: string): ScenarioName {
  const found = SCENARIO_NAMES.find((known) => known === name);
  if (found === undefined)
    throw new Error(`no scenario "${name}"; there are: ${SCENARIO_NAMES.join(', ')}, memory`);
  return found;
}

function positive(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (!(number > 0)) throw new Error(`"${text}" is not a positive number`);
  return number;
}
