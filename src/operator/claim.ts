// PURE: the ConfigMap that says which installation of the operator manages a namespace, and what it holds.
import { CLAIM_NAME, MANAGED_BY, MANAGED_BY_LABEL } from '../api/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { CONFIG_MAPS, type ConfigMap } from './kinds.ts';

/** A holder writes nothing by itself: one that is challenged and does not answer is gone. */
export interface Claim {
  /** The installation that manages the namespace. */
  readonly holder: string;
  /** The installation that last asked whether the holder lives, and stands by. */
  readonly contender?: string;
  /** What it asked; another text each time. */
  readonly challenge?: string;
  /** The challenge that the holder has answered. */
  readonly answer?: string;
}

const FIELDS = ['holder', 'contender', 'challenge', 'answer'] satisfies (keyof Claim)[];
/** No operator writes a longer text (characters). */
const MAX_FIELD = 1024;

export const UNHELD: Claim = { holder: '' };

/** A claim that was emptied by hand has no holder that would answer. */
export function claimOf({ data }: ConfigMap): Claim {
  return { ...UNHELD, ...data };
}

export function claimObject(namespace: string, claim: Claim): ConfigMap {
  const metadata = { name: CLAIM_NAME, namespace, labels: { [MANAGED_BY_LABEL]: MANAGED_BY } };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { ...claim } };
}

export function isClaim({ kind, metadata }: KubeObject): boolean {
  return kind === CONFIG_MAPS.kind && metadata.name === CLAIM_NAME;
}

/** What caches keep of a claim: few bytes, whatever others put into it, so that there is always room for it. */
export function prunedClaim({ apiVersion, kind, metadata, data = {} }: ConfigMap): ConfigMap {
  const { name, namespace, uid, resourceVersion } = metadata;
  const kept = FIELDS.map((field) => [field, data[field]] as const).filter(
    (entry): entry is [(typeof FIELDS)[number], string] =>
      entry[1] !== undefined && entry[1].length <= MAX_FIELD,
  );
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion } as ConfigMap['metadata'],
    data: Object.fromEntries(kept),
  };
}
