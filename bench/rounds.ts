// Measures targets in interleaved rounds: what disturbs the machine for a while disturbs all of them.
import type { Child } from './child.ts';
import type { LoadReply, LoadOrder, LoadResult, RequestSet } from './messages.ts';
import type { Plan } from './scenarios.ts';
import type { RunningTarget, TargetName } from './targets.ts';

/** At most this long before the first round: the compiler of the runtime must have done its work. */
const WARM_UP_SECONDS = 2;

/** Medians over the rounds. */
export interface Measurement {
  readonly target: TargetName;
  readonly requestsPerSecond: number;
  /** CPU time of the target for one request (microseconds). */
  readonly cpuPerRequest: number;
  /** Share of one core that the target used, and the load generator. */
  readonly busy: number;
  readonly loadBusy: number;
  /** Milliseconds; where there is one connection. */
  readonly latency: { readonly p50: number; readonly p99: number } | undefined;
  /** Resident memory after a round (bytes). */
  readonly rss: number;
}

/** The load generator, by the orders that it takes. */
export class Load {
  readonly process: Child;

  constructor(process: Child) {
    this.process = process;
  }

  async order(order: LoadOrder): Promise<LoadResult | undefined> {
    const reply = await this.process.ask<LoadReply>(order);
    if (reply.kind === 'failed') throw new Error(`the load generator failed: ${reply.reason}`);
    return reply.kind === 'result' ? reply.result : undefined;
  }
}

/** @throws Error as soon as any answer is not 200 */
export async function measure(
  load: Load,
  targets: readonly RunningTarget[],
  { connections, warmUp, rounds }: Plan,
  seconds: number,
): Promise<Measurement[]> {
  const samples = new Map<TargetName, Measurement[]>(targets.map(({ name }) => [name, []]));
  for (const target of targets)
    await sample(load, target, connections, warmUp, Math.min(WARM_UP_SECONDS, seconds));
  for (const requests of rounds) {
    for (const target of targets) {
      samples.get(target.name)?.push(await sample(load, target, connections, requests, seconds));
    }
  }
  return targets.map(({ name }) => medians(name, samples.get(name) ?? []));
}

async function sample(
  load: Load,
  target: RunningTarget,
  connections: number,
  requests: RequestSet,
  seconds: number,
): Promise<Measurement> {
  // Handshakes are no part of what is measured.
  await load.order({ kind: 'connect', address: target.address, connections });
  await load.order({ kind: 'prepare', ...requests });
  const [before, loadBefore] = await Promise.all([target.process.usage(), load.process.usage()]);
  const result = await load.order({ kind: 'run', seconds });
  const [after, loadAfter] = await Promise.all([target.process.usage(), load.process.usage()]);
  await load.order({ kind: 'disconnect' });
  if (result === undefined) throw new Error('the load generator gave no result');
  const refused = Object.entries(result.refused).map(([status, count]) => `${count} times ${status}`);
  if (refused.length > 0) {
    throw new Error(`${target.name} did not answer 200: ${refused.join(', ')}\n${target.process.output}`);
  }
  return {
    target: target.name,
    requestsPerSecond: result.requests / result.seconds,
    cpuPerRequest: (after.cpu - before.cpu) / result.requests,
    busy: (after.cpu - before.cpu) / 1e6 / result.seconds,
    loadBusy: (loadAfter.cpu - loadBefore.cpu) / 1e6 / result.seconds,
    latency: result.latency,
    rss: after.rss,
  };
}

function medians(target: TargetName, samples: readonly Measurement[]): Measurement {
  const of = (read: (sample: Measurement) => number) => median(samples.map(read));
  const isTimed = samples.some(({ latency }) => latency !== undefined);
  return {
    target,
    requestsPerSecond: of((sample) => sample.requestsPerSecond),
    cpuPerRequest: of((sample) => sample.cpuPerRequest),
    busy: of((sample) => sample.busy),
    loadBusy: of((sample) => sample.loadBusy),
    latency: isTimed
      ? {
          p50: of(({ latency }) => latency?.p50 ?? Number.NaN),
          p99: of(({ latency }) => latency?.p99 ?? Number.NaN),
        }
      : undefined,
    rss: Math.max(...samples.map(({ rss }) => rss)),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
