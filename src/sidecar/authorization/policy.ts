// What authorization decides by, compiled from the configuration: today the scopes that every operation needs.
import type { SidecarConfig } from '../config/config.ts';
import { scopePolicy, type ScopePolicy } from './scopes.ts';

export interface Policy {
  /** Needed for everything. */
  readonly requiredScopes: readonly string[];
  readonly scopes: ScopePolicy;
}

export type PolicyConfig = Pick<
  SidecarConfig,
  'requiredScopes' | 'metadata' | 'scopeHierarchy' | 'stepUpScopes'
>;

export function compilePolicy(config: PolicyConfig): Policy {
  return { requiredScopes: config.requiredScopes, scopes: scopePolicy(config) };
}
