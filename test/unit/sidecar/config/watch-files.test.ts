// Whatever order files change in, what was read last is what they hold in the end.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { watchFiles } from '../../../../src/sidecar/config/watch-files.ts';
import { waitFor } from '../../../kit/wait.ts';

function watched(
  t: TestContext,
  content: string,
  onRead: (text: string, file: string) => void = () => undefined,
) {
  const directory = mkdtempSync(join(tmpdir(), 'watch-files-'));
  const stop = new AbortController();
  t.after(() => {
    stop.abort();
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'config.json');
  writeFileSync(file, content);
  const seen: string[] = [];
  watchFiles(
    [file],
    () => {
      const text = readFileSync(file, 'utf8');
      seen.push(text);
      onRead(text, file);
    },
    stop.signal,
  );
  return { file, seen };
}

describe('watching files', () => {
  it('reads a change, and the next', async (t) => {
    const { file, seen } = watched(t, 'a');
    for (const text of ['b', 'c']) {
      writeFileSync(file, text);
      await waitFor(() => seen.at(-1) === text, text);
    }
  });

  it('reads a change that is taken back as soon as it was read', async (t) => {
    const { file, seen } = watched(t, 'a', (text, changed) => {
      if (text === 'b') writeFileSync(changed, 'a');
    });
    writeFileSync(file, 'b');
    await waitFor(() => seen.length >= 2 && seen.at(-1) === 'a', 'the first content again');
  });
});
