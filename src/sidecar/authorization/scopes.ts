// Scopes: whether those of a token suffice, and which ones a challenge names. Which a principal has is not decided here.
import type { SidecarConfig } from '../config/config.ts';

type ScopeConfig = Pick<SidecarConfig, 'requiredScopes' | 'metadata' | 'scopeHierarchy' | 'stepUpScopes'>;

export interface ScopePolicy {
  /** Whether the granted scopes include the one that is needed, by name or by what they stand for. */
  readonly covers: (granted: readonly string[], needed: string) => boolean;
  /** What to ask for when the operation's scopes are not covered: all in one challenge, so that one step-up suffices. */
  readonly stepUp: (granted: readonly string[], operation: readonly string[]) => readonly string[];
}

export function scopePolicy(config: ScopeConfig): ScopePolicy {
  const included = closure(config.scopeHierarchy);
  const known = knownScopes(config);
  return {
    covers: (granted, needed) =>
      granted.includes(needed) || granted.some((scope) => included.get(scope)?.has(needed) === true),
    stepUp: (granted, operation) => {
      if (config.stepUpScopes === 'Operation') return operation;
      // Never a scope that only the token knows: the challenge holds nothing that came with the request.
      return [...new Set([...granted.filter((scope) => known.has(scope)), ...operation])];
    },
  };
}

/** Each scope and all that it includes, through others as well (MCP 2026-07-28, "Step-Up"). A circle is no trouble. */
function closure(hierarchy: ScopeConfig['scopeHierarchy']): ReadonlyMap<string, ReadonlySet<string>> {
  const direct = new Map<string, readonly string[]>();
  for (const { scope, includes } of hierarchy) direct.set(scope, [...(direct.get(scope) ?? []), ...includes]);
  return new Map([...direct.keys()].map((scope) => [scope, reachable(scope, direct)]));
}

function reachable(from: string, direct: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...(direct.get(from) ?? [])];
  for (let scope = open.pop(); scope !== undefined; scope = open.pop()) {
    if (found.has(scope)) continue;
    found.add(scope);
    open.push(...(direct.get(scope) ?? []));
  }
  return found;
}

/** Every scope that the configuration names, what is required first. */
export function knownScopes({ requiredScopes, metadata, scopeHierarchy }: ScopeConfig): ReadonlySet<string> {
  const related = scopeHierarchy.flatMap(({ scope, includes }) => [scope, ...includes]);
  return new Set([...requiredScopes, ...metadata.scopesSupported, ...related]);
}
