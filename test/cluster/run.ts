// Runs programs: output returned or shown as it comes, a failure thrown with what the program said.
import { spawn, spawnSync } from 'node:child_process';

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Show the output on standard error as it comes instead of returning it: progress is not the result. */
  readonly show?: boolean;
}

export class CommandError extends Error {
  readonly code = 'ERR_COMMAND';
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(command: readonly string[], exitCode: number | null, stderr: string) {
    // The end of a long complaint is what says why.
    super(
      [`${command.join(' ')}: exit code ${exitCode ?? 'none'}`, stderr.trim().slice(-2000)].join('\n').trim(),
    );
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/**
 * Runs a program to its end and returns its standard output.
 * @throws CommandError when it exits with anything but 0
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const output = options.show ? 2 : 'pipe';
  const child = spawn(command, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', output, output],
    env: { ...process.env, ...options.env },
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.signal && { signal: options.signal }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A program that ends without reading its input is evaluated by its exit code.
  child.stdin?.on('error', () => undefined).end(options.input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      if (exitCode === 0) resolve(stdout);
      else reject(new CommandError([command, ...args], exitCode, stderr));
    });
  });
}

/** Whether a program is there and says yes within ten seconds. */
export function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}
