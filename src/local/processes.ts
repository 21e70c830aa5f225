// Child processes of local mode: started, watched, and all ended together. Knows nothing of what they do.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A child that has not ended this long after SIGTERM is killed (milliseconds). */
const KILL_AFTER_MS = 10_000;
/** Lines of a child kept for the report, should it fail. */
const KEPT_LINES = 20;

interface ChildSpecification {
  /** Stands before each line that the child writes. */
  readonly label: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Writes a line of the child's output, labelled. */
  readonly print: (line: string) => void;
}

/** A child could not be started, or ended by itself. */
export class ChildError extends Error {
  readonly code = 'ERR_CHILD';

  constructor(message: string) {
    super(message);
    this.name = 'ChildError';
  }
}

/** The children of one run. */
export class Children {
  readonly #children = new Map<ChildProcess, Promise<void>>();
  readonly #onFailure: (error: ChildError) => void;
  #stopping = false;

  /** @param onFailure called when a child ends by itself */
  constructor(onFailure: (error: ChildError) => void) {
    this.#onFailure = onFailure;
  }

  start({ label, command, env, print }: ChildSpecification): void {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // A process group of its own: what the child starts in turn is ended with it.
    });
    const kept: string[] = [];
    const onLine = (line: string) => {
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      print(`${label} | ${line}`);
    };
    const lines = [child.stdout, child.stderr].map((input) => {
      const reader = createInterface({ input });
      reader.on('line', onLine);
      return new Promise<void>((resolve) => reader.once('close', resolve));
    });
    const ended = new Promise<void>((resolve) => {
      child.once('error', (cause: NodeJS.ErrnoException) => {
        this.#fail(`${label} failed to start: ${program}: ${cause.code ?? cause.message}`);
        resolve();
      });
      child.once('exit', (code, signal) => {
        void Promise.all(lines).then(() => {
          this.#fail(
            [`${label} exited with ${signal ?? `code ${code}`}; last lines of its output:`, ...kept].join(
              '\n  ',
            ),
          );
          resolve();
        });
      });
    });
    this.#children.set(child, ended);
  }

  /** Ends all children and waits until they are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of this.#children.keys()) killGroup(child, 'SIGTERM');
    const kill = setTimeout(() => {
      for (const child of this.#children.keys()) killGroup(child, 'SIGKILL');
    }, KILL_AFTER_MS);
    await Promise.all(this.#children.values());
    clearTimeout(kill);
  }

  #fail(message: string): void {
    if (!this.#stopping) this.#onFailure(new ChildError(message));
  }
}

/** The child and all that it started; ESRCH means that none of them is left. */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return; // It could not be started.
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
