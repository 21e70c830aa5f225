// A constant load of authorized calls, counted: what a change does to people who are using the server.
import { Agent } from 'node:https';
import { send, type World } from './world.ts';

/** Calls under way at once. New connections now and then, as clients come and go. */
const CLIENTS = 8;
const PAUSE_MS = 20;
const CALLS_PER_CONNECTION = 25;

export interface LoadResult {
  readonly calls: number;
  /** What failed calls got, each with when. */
  readonly failures: readonly string[];
}

/** Calls `echo` all the time from `start` until `stop`; every answer must be a 200 with the tool's result. */
export class Load {
  readonly #world: World;
  readonly #name: string;
  readonly #failures: string[] = [];
  #calls = 0;
  #stopping = false;
  #clients: Promise<void>[] = [];

  private constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  static async start(world: World, name = 'echo'): Promise<Load> {
    const load = new Load(world, name);
    const [host, ca] = await Promise.all([world.serviceAddress(name), world.authority(name)]);
    load.#clients = Array.from({ length: CLIENTS }, () => load.#client(host, ca));
    return load;
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls;
  }

  async stop(): Promise<LoadResult> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    return { calls: this.#calls, failures: this.#failures };
  }

  async #client(host: string, ca: string): Promise<void> {
    while (!this.#stopping) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let call = 0; call < CALLS_PER_CONNECTION && !this.#stopping; call++) {
        await this.#call(host, ca, agent);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      agent.destroy();
    }
  }

  async #call(host: string, ca: string, agent: Agent): Promise<void> {
    const token = this.#world.issuer.token();
    const serverName = `${this.#name}.${this.#world.namespace}.svc`;
    this.#calls++;
    try {
      const target = { host, port: 8001, serverName, ca, method: 'POST', path: '/mcp', token, agent };
      const { status, body } = await send(target);
      if (status !== 200 || !body.includes('hello hello')) this.#fail(`${status} ${body.slice(0, 200)}`);
    } catch (error) {
      this.#fail((error as Error).message);
    }
  }

  #fail(what: string): void {
    this.#failures.push(`${new Date().toISOString()} ${what}`);
  }
}
