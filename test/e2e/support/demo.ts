// `npm run demo` as a process, and calls through the ports that it opens.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { keycloakAuthority } from '../../../scripts/demo/keycloak.ts';
import { NAMESPACE, ROOT, SERVER } from '../../../scripts/demo/names.ts';
import { serverAuthority } from '../../../scripts/demo/server.ts';
import { kubectl } from '../../cluster/cluster.ts';
import { waitFor } from './wait.ts';
import { send, type Answer } from './world.ts';

const SERVICE = ['get', 'service', SERVER, '--namespace', NAMESPACE];

export class Demo {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  /** Resolves when it says that the ports stay open. */
  static async start(): Promise<Demo> {
    const args = ['scripts/demo/main.ts'];
    const demo = new Demo(spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }));
    const ready = () => demo.output.includes('until Ctrl-C.') || demo.#child.exitCode !== null;
    await waitFor(ready, 'the demo to be ready', 240_000);
    if (demo.#child.exitCode !== null) throw new Error(`the demo ended:\n${demo.output}`);
    return demo;
  }

  /** What Ctrl-C does. @returns the exit code */
  async interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    await this.#exited;
    return this.#child.exitCode;
  }
}

/** PEM: what a client on this machine must trust. */
export async function authorities(): Promise<string> {
  return [await serverAuthority(), await keycloakAuthority()].join('\n');
}

/** The tool call by the Service itself: a port-forward may break for reasons of its own. */
export async function callDirectly(ca: string, token: string): Promise<Answer> {
  const host = await kubectl([...SERVICE, '--output=jsonpath={.spec.clusterIP}']);
  return send({ host, port: 8001, serverName: 'localhost', path: '/mcp', method: 'POST', ca, token });
}

/** One request to https://localhost:8001/mcp; the tool call when no body is given. */
export function callThroughForward(ca: string, token: string | undefined, body?: string): Promise<Answer> {
  const target = { host: 'localhost', port: 8001, serverName: 'localhost', path: '/mcp', method: 'POST' };
  return send({ ...target, ca, token, body });
}
