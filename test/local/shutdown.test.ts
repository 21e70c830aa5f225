// How local mode ends: by Ctrl-C, by SIGTERM, or because a part of it did. Nothing is ever left behind.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LocalMode, type Settings } from '../support/local-mode.ts';
import { waitFor } from '../kit/wait.ts';

/** Runs a case; however it goes, nothing of it stays. */
async function withLocalMode(
  begun: Promise<LocalMode>,
  use: (local: LocalMode) => Promise<void>,
): Promise<void> {
  const local = await begun;
  try {
    await use(local);
  } finally {
    await local.stop();
  }
}

/** A server that is a user's own program, run by Node. */
function command(script: string, program = process.execPath): Settings {
  return { fields: { 'spec.server.command': [program, '-e', script] } };
}

/** Says that it runs, and neither listens nor minds signals. */
const IDLE = `console.log('up'); setInterval(() => {}, 1000);`;

describe('local mode ends', { concurrency: 2 }, () => {
  it('with code 0 after SIGINT to the process group, which is what Ctrl-C sends', () =>
    withLocalMode(LocalMode.start(), async (local) => {
      assert.equal((await local.pids()).length, 3, 'local mode, server and sidecar');
      local.signalGroup('SIGINT');
      assert.deepEqual(await local.exit(), { code: 0, signal: null }, local.output);
      await local.assertNothingLeft();
    }));

  it('with code 0 after SIGHUP to the process group, which a closed terminal window sends', () =>
    withLocalMode(LocalMode.start(), async (local) => {
      local.signalGroup('SIGHUP');
      assert.deepEqual(await local.exit(), { code: 0, signal: null }, local.output);
      await local.assertNothingLeft();
    }));

  it('with code 0 after SIGTERM to itself alone, and ends its children', () =>
    withLocalMode(LocalMode.start(), async (local) => {
      local.signalMain('SIGTERM');
      assert.deepEqual(await local.exit(), { code: 0, signal: null }, local.output);
      await local.assertNothingLeft();
    }));

  it('with code 0 after Ctrl-C before it is ready', () =>
    withLocalMode(LocalMode.begin(command(IDLE)), async (local) => {
      await local.waitForOutput(/^server \| up$/m, 'the server to run');
      local.signalGroup('SIGINT');
      assert.deepEqual(await local.exit(), { code: 0, signal: null }, local.output);
      await local.assertNothingLeft();
    }));

  for (const { part, program } of [
    { part: 'server', program: 'src/echo/main.ts' },
    { part: 'sidecar', program: 'src/sidecar/main.ts' },
  ]) {
    it(`with code 1 when the ${part} is killed, and says so`, () =>
      withLocalMode(LocalMode.start(), async (local) => {
        process.kill(await local.pidOf(program), 'SIGKILL');
        assert.deepEqual(await local.exit(), { code: 1, signal: null });
        assert.match(local.output, new RegExp(`^${part} exited with SIGKILL`, 'm'));
        await local.assertNothingLeft();
      }));
  }

  it('with code 1 when the server ends by itself, and repeats its last lines', () =>
    withLocalMode(
      LocalMode.begin(command(`console.error('no database'); process.exit(3)`)),
      async (local) => {
        assert.deepEqual(await local.exit(), { code: 1, signal: null });
        assert.match(
          local.output,
          /^server exited with code 3; last lines of its output:\n {2}no database$/m,
        );
        await local.assertNothingLeft();
      },
    ));

  it('with code 1 when the server cannot be started, and names the program', () =>
    withLocalMode(LocalMode.begin(command('', 'no-such-program')), async (local) => {
      assert.deepEqual(await local.exit(), { code: 1, signal: null });
      assert.match(local.output, /^server failed to start: no-such-program: ENOENT$/m);
      await local.assertNothingLeft();
    }));

  it('with all that the server has started in turn', () => {
    // As `npm run`, `uv run` or a shell script does it: the program that is started is not the one that listens.
    const grandchild = `
      require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(IDLE)}], { stdio: 'inherit' });
      process.on('SIGTERM', () => process.exit(0));
    `;
    return withLocalMode(LocalMode.begin(command(grandchild)), async (local) => {
      await local.waitForOutput(/^server \| up$/m, 'the grandchild to run');
      local.signalMain('SIGTERM');
      await waitFor(async () => (await local.pids()).length === 0, 'all processes to end', 5_000);
      assert.deepEqual(await local.exit(), { code: 0, signal: null });
      await local.assertNothingLeft();
    });
  });
});
