// Notices that mounted files have changed. Reads them only to compare; what they mean is the caller's.
import { createHash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Kubernetes swaps a symbolic link, and not every file system reports that: polling is what can be relied on. */
const POLL_MS = 10_000;
/** Several files of one change arrive one after the other. */
const SETTLE_MS = 100;

/**
 * Calls `onChange` when the content of any of the files is no longer what it was, until the signal.
 * A file that is missing for a moment, as in the middle of a swap, is not a change.
 */
export function watchFiles(files: readonly string[], onChange: () => void, signal: AbortSignal): void {
  let known: string | undefined;
  let settle: NodeJS.Timeout | undefined;
  const look = async () => {
    const digest = await contentDigest(files);
    if (digest === undefined || signal.aborted) return;
    const changed = digest !== known;
    known = digest;
    if (changed) onChange();
  };
  const soon = () => {
    clearTimeout(settle);
    settle = setTimeout(() => void look(), SETTLE_MS);
  };
  void look();
  const poll = setInterval(() => void look(), POLL_MS).unref();
  const watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) =>
    watchFolder(folder, soon),
  );
  signal.addEventListener('abort', () => {
    clearTimeout(settle);
    clearInterval(poll);
    for (const watcher of watchers) watcher.close();
  });
}

/** Where a folder cannot be watched, polling remains. */
function watchFolder(folder: string, onEvent: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, onEvent);
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}

async function contentDigest(files: readonly string[]): Promise<string | undefined> {
  const sum = createHash('sha256');
  try {
    for (const file of files) sum.update(await readFile(file)).update('\0');
  } catch {
    return undefined;
  }
  return sum.digest('hex');
}
