// The official Python client as a program, from the environment that the tests of FastMCP make: what it opened and found.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, run } from '../../cluster/run.ts';
import { python } from '../../fastmcp/python.ts';
import type { Bench } from './bench.ts';
import { serveAuthorizationServer } from './client-world.ts';

const SCRIPT = new URL('client.py', import.meta.url).pathname;
/** Importing takes seconds on a busy machine (milliseconds). */
const TIMEOUT_MS = 60_000;

export interface PythonResult {
  /** Where it sent the person to log in: once, if all goes well. */
  readonly opened: readonly string[];
  /** Names. */
  readonly tools: readonly string[];
}

/** The whole flow. @throws AssertionError if it ends with an error of its own; another one where there is no Python */
export async function runPythonClient(bench: Bench, mode: 'auto' | 'legacy'): Promise<PythonResult> {
  const { program } = await python();
  serveAuthorizationServer(bench);
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const ca = join(directory, 'ca.crt');
    await writeFile(ca, bench.session.certificate.cert);
    const { address } = bench.running;
    const { issuer } = bench.issuer;
    const asked = { url: bench.resource, mode, address, ca, issuer, client_id: 'c1' };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return JSON.parse(await run(program, [SCRIPT, JSON.stringify(asked)], { signal })) as PythonResult;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return assert.fail(`the client says ${lastLine(error.stderr)}`);
  } finally {
    bench.issuer.intercept = () => false;
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of a traceback: the error itself. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => /^\s*[|+ -]*\S*(Error|Exception)\b/.test(line));
  return lines.at(-1)?.replace(/^[\s|+-]+/, '') ?? text.trim().slice(-200);
}
