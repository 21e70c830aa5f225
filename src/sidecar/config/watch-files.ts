// Notices that mounted files have changed. Reads them only to compare; what they mean is the caller's.
import { createHash } from 'node:crypto';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

/** Kubernetes swaps a symbolic link, and not every file system reports that: polling is what can be relied on. */
const POLL_MS = 10_000;
/** Several files of one change arrive one after the other. */
const SETTLE_MS = 100;
/** A file that is missing for so long is gone: what else has changed must not wait for it. */
const GONE_MS = 1_000;

/**
 * Calls `onChange` when the content of any of the files is no longer what it was, until the signal.
 * A file that is missing for a moment, as in the middle of a swap, is not a change; one that stays missing is.
 */
export function watchFiles(files: readonly string[], onChange: () => void, signal: AbortSignal): void {
  let known: string | undefined;
  /** Of files some of which were missing, the last time they were looked at. */
  let incomplete: string | undefined;
  let settle: NodeJS.Timeout | undefined;
  const look = () => {
    const { digest, isComplete } = contentDigest(files);
    if (digest === known) return;
    if (!isComplete && digest !== incomplete) {
      incomplete = digest;
      return lookIn(GONE_MS);
    }
    known = digest;
    onChange();
  };
  const lookIn = (ms: number) => {
    clearTimeout(settle);
    settle = setTimeout(look, ms);
  };
  const soon = () => lookIn(SETTLE_MS);
  look();
  const poll = setInterval(look, POLL_MS).unref();
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

/**
 * Read without giving way to anything else: what is compared here is what `onChange` then reads. Otherwise a change that is
 * taken back in between would be read by the one and not seen by the other.
 */
function contentDigest(files: readonly string[]): { digest: string; isComplete: boolean } {
  const sum = createHash('sha256');
  let isComplete = true;
  for (const file of files) {
    try {
      sum.update(readFileSync(file)).update('\0');
    } catch {
      isComplete = false;
      sum.update('missing\0');
    }
  }
  return { digest: sum.digest('hex'), isComplete };
}
