// What is asked of each target: which tokens, which answers, how many connections.
import type { RequestSet } from './messages.ts';

export const SCENARIO_NAMES = ['one-token', 'thousand-tokens', 'sse', 'latency', 'misses'] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export const SCENARIO_TITLES: Readonly<Record<ScenarioName, string>> = {
  'one-token': 'One token',
  'thousand-tokens': '1,000 tokens in turn, each of a user of its own',
  sse: 'One token, answers as event streams (chunked, one event)',
  latency: 'One token, one connection: latency',
  misses: 'A token never seen before with each request',
};

/** Each of a user of its own. */
export const ROUND_ROBIN_TOKENS = 1_000;
/** Whose tokens have never been seen before: a new user for each request would measure connections to the server. */
export const USERS_WITH_NEW_TOKENS = 32;

export interface Plan {
  readonly connections: number;
  readonly warmUp: RequestSet;
  /** By round. */
  readonly rounds: readonly RequestSet[];
}

interface PlanInput {
  readonly rounds: number;
  readonly connections: number;
  /** Tokens in one measurement of misses. */
  readonly misses: number;
}

/** How many tokens the pool must hold for a scenario. */
export function tokensNeeded(name: ScenarioName, { rounds, misses }: PlanInput): number {
  if (name === 'misses') return ROUND_ROBIN_TOKENS + misses * (rounds + 1);
  return name === 'thousand-tokens' ? ROUND_ROBIN_TOKENS : 1;
}

export function plan(name: ScenarioName, input: PlanInput): Plan {
  const { rounds, connections, misses } = input;
  const same = (set: RequestSet, count = connections): Plan => ({
    connections: count,
    warmUp: set,
    rounds: Array.from({ length: rounds }, () => set),
  });
  const json: RequestSet = { tokens: { from: 0, count: 1 }, once: false, answer: 'json' };
  switch (name) {
    case 'one-token':
      return same(json);
    case 'thousand-tokens':
      return same({ ...json, tokens: { from: 0, count: ROUND_ROBIN_TOKENS } });
    case 'sse':
      return same({ ...json, answer: 'sse' });
    case 'latency':
      return same(json, 1);
    case 'misses': {
      // Each round has tokens of its own; the first part of the pool may be in a cache already.
      const part = (index: number): RequestSet => ({
        tokens: { from: ROUND_ROBIN_TOKENS + index * misses, count: misses },
        once: true,
        answer: 'json',
      });
      return {
        connections,
        warmUp: part(0),
        rounds: Array.from({ length: rounds }, (_, index) => part(index + 1)),
      };
    }
    default:
      return name satisfies never;
  }
}
