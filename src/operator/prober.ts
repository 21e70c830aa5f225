// Gets the status of running sidecars, and tries the server's port from outside the pod. What the answers mean is the checks'.
import { connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { ADMIN_PORT } from '../api/names.ts';
import { splitKey } from '../kube/object.ts';
import { systemScheduler, type Random, type Scheduler } from '../kube/scheduler.ts';
import { httpRequest } from '../base/http-request.ts';
import { withBrackets } from '../protocol/host.ts';
import { ADMIN_PATHS } from '../protocol/sidecar-status.ts';
import type { SidecarReport } from './inputs.ts';
import { parseStatus } from './sidecar-status.ts';
import { next, UNKNOWN, type Course } from './steadiness.ts';

/** Between probes of a pod that is healthy, and of one that is not (milliseconds). */
const STEADY_MS = 15_000;
const UNSETTLED_MS = 2_000;
const TIMEOUT_MS = 3_000;
/** What `httpRequest` says of a server that is silent for so long. */
const NO_ANSWER = `no answer within ${TIMEOUT_MS / 1000} s`;
const UNREACHABLE: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ETIMEDOUT']);
/** Probes under way at once, in all and for one namespace. Each that gets no answer takes TIMEOUT_MS. */
const CONCURRENCY = 64;
const SHARE = 48;
const TICK_MS = 500;
const MAX_ANSWER_BYTES = 64 * 1024;
const STATUS_REQUEST = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, expectedStatus: 200 } as const;

export interface ProbeTarget {
  readonly podUid: string;
  readonly ip: string;
  readonly serverPort: number;
}

interface Probe extends ProbeTarget {
  /** The server whose status depends on the outcome. */
  readonly key: string;
  dueAt: number;
  running: boolean;
  /** The one that counts: the newest, or the last bad one of a pod that is not well for long enough yet. */
  report: SidecarReport | undefined;
  course: Course;
  /** Of the configuration that the sidecar should have; undefined while that is not known. */
  expectedDigest?: string;
}

export interface ProberOptions {
  /** Called with a server's key when a report of one of its pods says something new. */
  readonly onChange: (key: string) => void;
  readonly probe?: (target: ProbeTarget) => Promise<SidecarReport>;
  readonly scheduler?: Scheduler;
  readonly random?: Random;
}

/** Probes every watched pod again and again, from `start` until the signal. */
export class Prober {
  readonly #options: Required<ProberOptions>;
  readonly #probes = new Map<string, Probe>();

  constructor(options: ProberOptions) {
    this.#options = { probe: probeSidecar, scheduler: systemScheduler, random: Math.random, ...options };
  }

  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    const cancel = this.#options.scheduler.after(TICK_MS, () => {
      signal.removeEventListener('abort', cancel);
      this.#tick();
      this.start(signal);
    });
    signal.addEventListener('abort', cancel, { once: true });
  }

  /** Sets which pods of a server are probed. New ones are probed with the next tick. */
  watch(key: string, targets: readonly ProbeTarget[]): void {
    const wanted = new Map(targets.map((target) => [target.podUid, target]));
    for (const [uid, probe] of this.#probes) {
      const target = wanted.get(uid);
      if (probe.key === key && (target?.ip !== probe.ip || target.serverPort !== probe.serverPort))
        this.#probes.delete(uid);
    }
    for (const [uid, target] of wanted) {
      if (!this.#probes.has(uid)) {
        this.#probes.set(uid, {
          ...target,
          key,
          dueAt: this.#options.scheduler.now(),
          running: false,
          report: undefined,
          course: UNKNOWN,
        });
      }
    }
  }

  /** Sets which configuration a server's sidecars should have: until they do, they are asked more often. */
  expect(key: string, configDigest: string): void {
    const soon = this.#options.scheduler.now() + UNSETTLED_MS;
    for (const probe of this.#probes.values()) {
      if (probe.key !== key) continue;
      probe.expectedDigest = configDigest;
      if (isOutdated(probe.report, configDigest)) probe.dueAt = Math.min(probe.dueAt, soon);
    }
  }

  report(podUid: string): SidecarReport | undefined {
    return this.#probes.get(podUid)?.report;
  }

  #tick(): void {
    const now = this.#options.scheduler.now();
    const namespaces = [...Map.groupBy(this.#probes.values(), ({ key }) => splitKey(key).namespace).values()];
    const turns = namespaces.flatMap((probes) => turnsOf(probes, now));
    const running = [...this.#probes.values()].filter((probe) => probe.running).length;
    // The namespaces take turns: pods that never answer take long and are due again soon, and would starve the others.
    turns.sort((a, b) => a.turn - b.turn || a.probe.dueAt - b.probe.dueAt);
    for (const { probe } of turns.slice(0, Math.max(0, CONCURRENCY - running))) void this.#probe(probe);
  }

  async #probe(probe: Probe): Promise<void> {
    probe.running = true;
    const { scheduler, random } = this.#options;
    const report = await this.#options.probe(probe).catch(failed);
    probe.running = false;
    const { course, counts } = next(probe.course, isGood(report), scheduler.now());
    probe.course = course;
    // Jitter: a thousand pods must not be probed at the same moment.
    const isSteady = course.isWell && !isOutdated(report, probe.expectedDigest);
    probe.dueAt = scheduler.now() + (isSteady ? STEADY_MS : UNSETTLED_MS) * (0.9 + random() / 5);
    if (!counts) return;
    const isNews = !isDeepStrictEqual(significantFields(report), significantFields(probe.report));
    probe.report = report;
    if (isNews && this.#probes.get(probe.podUid) === probe) this.#options.onChange(probe.key);
  }
}

/** The probes of one namespace that are due, each with its place among the namespace's probes under way. */
function turnsOf(probes: readonly Probe[], now: number): { turn: number; probe: Probe }[] {
  const running = probes.filter((probe) => probe.running).length;
  return probes
    .filter((probe) => !probe.running && probe.dueAt <= now)
    .toSorted((a, b) => Number(isKnown(a)) - Number(isKnown(b)) || a.dueAt - b.dueAt)
    .slice(0, Math.max(0, SHARE - running))
    .map((probe, index) => ({ turn: running + index, probe }));
}

/** New pods come first: their server waits for its first report. */
function isKnown({ report }: Probe): boolean {
  return report !== undefined;
}

/** Whether the sidecar has another configuration than it should. */
function isOutdated(report: SidecarReport | undefined, expected: string | undefined): boolean {
  const { status } = report ?? {};
  return status !== undefined && expected !== undefined && status.configDigest !== expected;
}

function isGood({ status, serverPort }: SidecarReport): boolean {
  return (
    serverPort !== 'open' &&
    status?.ready === true &&
    status.issuers.every(({ lastError }) => lastError === undefined)
  );
}

/** A probe that throws becomes a report: no caller awaits it, and an unhandled rejection would end the process. */
function failed(error: unknown): SidecarReport {
  return { status: undefined, error: (error as Error).message, serverPort: 'unknown' };
}

/** What the checks depend on. The time of the last key fetch, for one, changes without consequence. */
function significantFields(report: SidecarReport | undefined) {
  const { status, error, serverPort } = report ?? {};
  return {
    error,
    serverPort,
    ready: status?.ready,
    problems: status?.problems,
    certificate: status?.certificate,
    configDigest: status?.configDigest,
    configProblem: status?.configProblem,
    refusedDigest: status?.refusedDigest,
    version: status?.version,
    server: status?.server,
    issuers: status?.issuers.map(({ issuer, keys, lastError }) => ({ issuer, keys, lastError })),
  };
}

async function probeSidecar({ ip, serverPort }: ProbeTarget): Promise<SidecarReport> {
  const [status, port] = await Promise.all([askStatus(ip), tryPort(ip, serverPort)]);
  return { ...status, serverPort: port };
}

async function askStatus(ip: string): Promise<Pick<SidecarReport, 'status' | 'error'>> {
  try {
    // Untrusted: the server shares the sidecar's network, and may have bound the port first.
    const url = `http://${withBrackets(ip)}:${ADMIN_PORT}${ADMIN_PATHS.status}`;
    const { body } = await httpRequest(url, STATUS_REQUEST);
    return { status: parseStatus(body.toString('utf8')), error: undefined };
  } catch (error) {
    return { status: undefined, error: reasonOf(error as Error) };
  }
}

/** A pod that is not there is unreachable, or silent, as the network has it at the moment: the status must not tell them apart. */
function reasonOf({ message, cause }: Error): string {
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  return UNREACHABLE.has(code) ? NO_ANSWER : message;
}

/** Refused and unanswered connections both count as closed: isolation asks for no more. */
function tryPort(host: string, port: number): Promise<SidecarReport['serverPort']> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const settle = (outcome: SidecarReport['serverPort']) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => settle('open'));
    socket.once('timeout', () => settle('closed'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      settle(code === 'EADDRNOTAVAIL' ? 'unknown' : 'closed'),
    );
  });
}
