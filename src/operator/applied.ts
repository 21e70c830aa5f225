// PURE: what the operator has applied last, as the status keeps it, which users cannot write; and which version a server gets
// next. Whose turn it is follows from all servers: that is waves.ts.
import { createHash } from 'node:crypto';
import type { Applied } from '../api/protected-mcp-server.gen.ts';
import type { Deployment, ServerObject } from './kinds.ts';
import { isWaiting, progressOf } from './members.ts';
import type { Version } from './revision.ts';

/** The annotation of `kubectl rollout restart`, which others may set. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** What to do about a Deployment. */
interface Choice {
  readonly version: Version;
  /** Whether the Deployment is an earlier version that is not touched: it is as the operator left it. */
  readonly isLeft: boolean;
  /** Whether others have changed a Deployment of an earlier version. */
  readonly isChanged: boolean;
}

interface Situation {
  readonly server: ServerObject;
  /** The server's own; undefined when there is none. */
  readonly live: Deployment | undefined;
  readonly newest: Version;
  readonly hasTurn: boolean;
}

/**
 * The newest version for a server that is new, has it already, or whose turn it is. The others keep theirs: the whole
 * Deployment, and where the resource was changed or others have changed the Deployment, the sidecar's image.
 */
export function choose({ server, live, newest, hasTurn }: Situation): Choice {
  const known = server.status?.applied;
  if (known === undefined || hasTurn || !isWaiting(server, live, newest.revision))
    return { version: newest, isLeft: false, isChanged: false };
  const { sidecarImage, revision } = known;
  const isUntouched = live !== undefined && known.digest === digestOf(server, live);
  const isOfThis = known.generation === server.metadata.generation;
  return {
    version: { sidecarImage, revision },
    isLeft: isOfThis && isUntouched,
    isChanged: isOfThis && live !== undefined && !isUntouched,
  };
}

/**
 * What the status keeps of a Deployment that was applied.
 * @param before the Deployment as it was found @param after as it is now
 */
export function appliedOf(
  server: ServerObject,
  { sidecarImage, revision }: Version,
  before: Deployment | undefined,
  after: Deployment,
): Applied {
  const known = server.status?.applied;
  return {
    generation: server.metadata.generation ?? 0,
    sidecarImage,
    revision,
    digest: digestOf(server, after),
    replaced: known?.revision === revision ? known.replaced : stateOf(server, before),
  };
}

/** A version that failed where there was none before it is none either. */
function stateOf(server: ServerObject, live: Deployment | undefined): Applied['replaced'] {
  if (live === undefined) return 'Nothing';
  const progress = progressOf(server, live);
  if (progress === 'failing' && server.status?.applied?.replaced === 'Nothing') return 'Nothing';
  return progress === 'done' ? 'Ready' : 'Unready';
}

/** Of everything that the operator alone may change. */
function digestOf({ spec: { replicas: given } }: ServerObject, { spec }: Deployment): string {
  const { replicas, ...rest } = spec ?? {};
  const own = given === undefined ? rest : { ...rest, replicas };
  const text = JSON.stringify(own, (name, value: unknown) => (name === RESTARTED_AT ? undefined : value));
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
