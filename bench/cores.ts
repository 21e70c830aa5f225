// Which core runs what: the target alone on one, everything else on the others. Linux with taskset; else unpinned.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type Place = 'target' | 'rest';

export interface Cores {
  /** For the report. */
  readonly description: string;
  /** The command line that runs `command` in its place. */
  readonly wrap: (place: Place, command: readonly string[]) => readonly string[];
}

export function findCores(): Cores {
  const cores = allowedCores();
  const [first, ...others] = cores;
  if (first === undefined || others.length === 0 || spawnSync('taskset', ['--version']).status !== 0) {
    return { description: 'not pinned to cores', wrap: (_, command) => command };
  }
  const list = { target: String(first), rest: others.join(',') };
  return {
    description: `target pinned to core ${list.target}, load generator and server to ${list.rest}`,
    wrap: (place, command) => ['taskset', '-c', list[place], ...command],
  };
}

/** The cores this process may use (Linux); empty where the system does not say. */
function allowedCores(): number[] {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return [];
  }
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number);
    return Number.isNaN(from) ? [] : Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
