// Test files that CI runs a second time: which pass then, and what a second run must never hide.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';

const path = (name: string) => new URL(name, import.meta.url).pathname;
const FIXTURE = path('fixtures/sometimes.fixture.ts');
const REPORTER = path('../../../scripts/ci/failed-files.ts');
const RERUN = path('../../../scripts/ci/rerun.ts');
const directory = mkdtempSync(join(tmpdir(), 'rerun-test-'));
after(() => rmSync(directory, { recursive: true }));

let runs = 0;

interface Run {
  readonly status: number | null;
  readonly said: string;
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const child = spawn(process.execPath, args, {
    cwd: path('../../..'),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await text(child.stdout);
  return { said, status: child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0] };
}

/** Runs the fixture as CI runs a suite, and then what failed once more. */
async function runTwice(how: string) {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env; // or it would be a part of this run
  const report = join(directory, `report-${++runs}`);
  const env = { ...environment, MARKER: join(directory, `marker-${runs}`), HOW: how };
  const reporters = `--test-reporter=${REPORTER} --test-reporter-destination=${report}`;
  const first = await run(['--test', '--test-timeout=5000', FIXTURE], { ...env, NODE_OPTIONS: reporters });
  const again = await run([RERUN, report], env);
  return { suite: first.status, reported: readFileSync(report, 'utf8'), said: again.said };
}

describe('a file that', { concurrency: true }, () => {
  it('passes is not run again', async () => {
    const { suite, reported, said } = await runTwice('passes');
    assert.deepEqual([suite, reported, said], [0, '', 'recovered 0\n']);
  });

  it('fails the first time only counts, and is named with what it said', async () => {
    const { suite, said } = await runTwice('fails first');
    assert.equal(suite, 1);
    assert.match(said, /^FLAKY test\/unit\/ci\/fixtures\/sometimes\.fixture\.ts: passed the second time/m);
    assert.match(said, /the reason of the first time/);
    assert.match(said, /\nrecovered 1\n$/);
  });

  for (const how of ['fails', 'skips second']) {
    it(`${how}: has failed twice`, async () => {
      const { said } = await runTwice(how);
      assert.match(said, /=== failed twice: /);
      assert.doesNotMatch(said, /FLAKY/);
      assert.match(said, /\nrecovered 0\n$/);
    });
  }

  for (const how of ['crashes first', 'throws late']) {
    it(`${how}: is not run again`, async () => {
      const { suite, said } = await runTwice(how);
      assert.equal(suite, 1);
      assert.equal(said, 'recovered 0\n');
    });
  }
});
