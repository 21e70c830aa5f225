// One process of the benchmark: started in its place, asked over IPC, and ended with the benchmark.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Cores, Place } from './cores.ts';
import type { Listening, Usage, UsageReply } from './messages.ts';

const METER = new URL('./meter.ts', import.meta.url).href;
const REPLY_TIMEOUT_MS = 60_000;
/** Clock ticks per second in /proc: fixed on every architecture of Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

const running = new Set<ChildProcess>();

/** Ends every process that was started and has not ended. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

export interface ChildOptions {
  readonly name: string;
  readonly place: Place;
  readonly cores: Cores;
  readonly env?: Readonly<Record<string, string>>;
}

export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #metered: boolean;
  /** What it wrote to standard output and error. */
  output = '';

  private constructor(command: readonly string[], options: ChildOptions, metered: boolean) {
    this.name = options.name;
    this.#metered = metered;
    const [program = '', ...args] = options.cores.wrap(options.place, command);
    this.#process = spawn(program, args, {
      stdio: metered ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    running.add(this.#process);
    this.#process.once('exit', () => running.delete(this.#process));
    const collect = (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-65_536));
    this.#process.stdout?.on('data', collect);
    this.#process.stderr?.on('data', collect);
  }

  /** Runs a Node program, with the meter in it. */
  static node(program: string, args: readonly string[], options: ChildOptions): Child {
    return new Child([process.execPath, '--import', METER, program, ...args], options, true);
  }

  /** Runs any other program; it is measured through /proc. */
  static foreign(command: readonly string[], options: ChildOptions): Child {
    return new Child(command, options, false);
  }

  /** Waits for a message, or for the end of the process, which is a failure. */
  async #next<Message>(accepts: (message: Message) => boolean): Promise<Message> {
    const timeout = AbortSignal.timeout(REPLY_TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        this.#process.off('message', onMessage);
        this.#process.off('exit', onExit);
        timeout.removeEventListener('abort', onTimeout);
        action();
      };
      const onMessage = (message: Message) => {
        if (accepts(message)) settle(() => resolve(message));
      };
      const onExit = () => settle(() => reject(new Error(`${this.name} ended:\n${this.output}`)));
      const onTimeout = () => settle(() => reject(new Error(`${this.name} did not answer:\n${this.output}`)));
      this.#process.on('message', onMessage);
      this.#process.on('exit', onExit);
      timeout.addEventListener('abort', onTimeout);
      if (this.#process.exitCode !== null) onExit();
    });
  }

  async listening(): Promise<number> {
    return (await this.#next<Listening>(({ kind }) => kind === 'listening')).port;
  }

  /** Waits for a line of output. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + REPLY_TIMEOUT_MS;
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.#process.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${this.name} did not start:\n${this.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends one order and gives the reply. */
  async ask<Reply extends { readonly kind: string }>(order: object): Promise<Reply> {
    const reply = this.#next<Reply>(({ kind }) => kind !== 'usage' && kind !== 'listening');
    this.#process.send(order);
    return reply;
  }

  async usage(): Promise<Usage> {
    if (!this.#metered) return usageOf(this.#process.pid ?? 0);
    const reply = this.#next<UsageReply>(({ kind }) => kind === 'usage');
    this.#process.send({ kind: 'usage' });
    return reply;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

function usageOf(pid: number): Usage {
  // The fields after the command name, which is in parentheses and may hold anything (proc(5)).
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticks = Number(stat[11]) + Number(stat[12]);
  return { cpu: (ticks / TICKS_PER_SECOND) * 1e6, rss: Number(stat[21]) * PAGE_BYTES };
}
