// `kubectl port-forward`, started again whenever it breaks: a pod that ended takes it along.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { environment } from '../../test/cluster/cluster.ts';
import { DemoError, type Report } from './report.ts';

const READY_TIMEOUT_MS = 20_000;
const AGAIN_AFTER_MS = 500;

interface ForwardTarget {
  readonly namespace: string;
  readonly service: string;
  /** The Service's, and the one on this machine. */
  readonly port: number;
}

export class PortForward {
  readonly #target: ForwardTarget;
  readonly #report: Report;
  #child: ChildProcess | undefined;
  #stopping = false;
  #again: NodeJS.Timeout | undefined;
  readonly #killChild = () => void this.#child?.kill('SIGKILL');

  private constructor(target: ForwardTarget, report: Report) {
    this.#target = target;
    this.#report = report;
  }

  /**
   * Resolves when it forwards.
   * @throws DemoError with what kubectl said, when the first try fails
   */
  static async start(target: ForwardTarget, report: Report): Promise<PortForward> {
    const forward = new PortForward(target, report);
    try {
      await forward.#run();
    } catch (error) {
      await forward.stop();
      throw error;
    }
    process.once('exit', forward.#killChild); // an uncaught error must not leave it behind
    return forward;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#again);
    process.off('exit', this.#killChild);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }

  /** Resolves when the port is open; from then on the end of kubectl starts another one. */
  #run(): Promise<void> {
    const { namespace, service, port } = this.#target;
    const args = ['port-forward', '--namespace', namespace, `service/${service}`, `${port}:${port}`];
    const child = spawn('kubectl', args, {
      env: { ...process.env, ...environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C is for us: we end it.
    });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    return new Promise((resolve, reject) => {
      const give = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS);
      let ready = false;
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (ready || !line.startsWith('Forwarding from')) return;
        ready = true;
        clearTimeout(give);
        resolve();
      });
      child.once('error', (cause) => reject(new DemoError(`kubectl: ${cause.message}`, { cause })));
      child.once('close', () => {
        clearTimeout(give);
        if (ready) this.#restart();
        else reject(new DemoError(`no way to ${service}, port ${port}: ${said.trim() || 'no answer'}`));
      });
    });
  }

  #restart(): void {
    if (this.#stopping) return;
    const { service, port } = this.#target;
    this.#again = setTimeout(() => {
      this.#run().then(
        () => this.#report(`the way to ${service}, port ${port}, broke and is open again`),
        () => this.#restart(), // its pod is not there yet
      );
    }, AGAIN_AFTER_MS);
  }
}
