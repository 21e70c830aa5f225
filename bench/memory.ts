// Resident memory of a target: just started, and for each open event stream over TLS.
import type { Arena } from './arena.ts';
import type { Load } from './rounds.ts';
import { startTarget, type TargetName } from './targets.ts';

/** Time for handshakes to be cleaned up after before memory is read. */
const SETTLE_MS = 1_000;

export interface MemoryUse {
  readonly target: TargetName;
  /** Bytes, with nothing sent to it yet. */
  readonly started: number;
  /** Bytes for each open stream. */
  readonly perStream: number;
}

/** In a process of its own: one that has been under load has room to spare that would hide what streams take. */
export async function measureMemory(
  load: Load,
  name: TargetName,
  arena: Arena,
  { streams, otherMain }: { readonly streams: number; readonly otherMain: string },
): Promise<MemoryUse> {
  const target = await startTarget(name, arena, otherMain);
  try {
    await settle();
    const started = (await target.process.usage()).rss;
    await load.order({ kind: 'open-streams', address: target.address, count: streams });
    await settle();
    const loaded = (await target.process.usage()).rss;
    await load.order({ kind: 'disconnect' });
    return { target: name, started, perStream: (loaded - started) / streams };
  } finally {
    await target.process.end();
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
