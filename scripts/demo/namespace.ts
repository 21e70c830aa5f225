// A namespace that is being deleted takes nothing new: who removes the demo and runs it again at once waits for its end.
import { kubectl } from '../../test/cluster/cluster.ts';
import type { Report } from './report.ts';
import { waitUntil } from './wait.ts';

const TIMEOUT_MS = 180_000;

/** Returns when the namespace is there to stay, or not there at all. */
export async function namespaceSettled(name: string, report: Report, stop: AbortSignal): Promise<void> {
  const deletedAt = '--output=jsonpath={.metadata.deletionTimestamp}';
  const missing = async () => {
    const since = await kubectl(['get', 'namespace', name, '--ignore-not-found', deletedAt]);
    return since === '' ? undefined : 'is being deleted';
  };
  await waitUntil(missing, { what: `namespace ${name}`, timeoutMs: TIMEOUT_MS, report, stop });
}
