// What the reference server refuses to start with, and what it publishes of itself (RFC 9728).
import { createPrivateKey, sign } from 'node:crypto';
import { WELL_KNOWN } from '../../needs.ts';
import type { Setup } from '../../targets/target.ts';
import type { Wrong } from '../mutants.ts';

/** Every problem of a setup, each with the name of the field. */
export function problems({ resource, issuers, clockSkewSeconds, requiredScopes, upstream }: Setup): string[] {
  const found: string[] = [];
  const url = URL.canParse(resource) ? new URL(resource) : undefined;
  if (url?.protocol !== 'https:') found.push('resource: must be an https URL');
  if (url?.username || url?.password || /[#?]/.test(resource))
    found.push('resource: fragment, query or user info');
  if (issuers.length === 0) found.push('issuers: at least one');
  if (clockSkewSeconds > 300) found.push('clockSkewSeconds: at most 300');
  if (requiredScopes.some((scope) => !/^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope))) {
    found.push('requiredScopes: not a scope token');
  }
  if (!/^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])[:/]/.test(upstream))
    found.push('upstream: not loopback');
  return found;
}

/** MCP "Canonical Server URI": scheme and host in lower case, no default port, the path as it was written. */
export function canonicalResource(resource: string, wrong: Wrong): string {
  if (wrong('identifiers-through-url')) return new URL(resource).href;
  const { origin } = new URL(resource);
  return origin + (/^[^:]+:\/\/[^/]*(.*)$/s.exec(resource)?.[1] ?? '');
}

/** RFC 9728 section 3.1, of a canonical identifier. */
export function metadataPath(resource: string): string {
  const { pathname } = new URL(resource);
  return WELL_KNOWN + (pathname === '/' ? '' : pathname);
}

export function metadataUrl(resource: string): string {
  return new URL(resource).origin + metadataPath(resource);
}

/** The document for `resource`: the configured one, or the origin. */
export function metadataDocument(setup: Setup, resource: string, wrong: Wrong): Record<string, unknown> {
  const { origin } = new URL(resource);
  const dropped = (scope: string) => scope === 'offline_access' && !wrong('advertises-offline-access');
  const scopes = setup.scopesSupported.filter((scope) => !dropped(scope));
  const plain = {
    resource: wrong('slash-after-resource') ? `${resource}/` : resource,
    authorization_servers: setup.issuers.map(({ issuer }) =>
      wrong('identifiers-through-url') ? new URL(issuer).href : issuer,
    ),
    ...(scopes.length > 0 || wrong('empty-arrays') ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: wrong('advertises-query') ? ['header', 'query'] : ['header'],
    ...names(setup, wrong),
    ...bindings(setup, wrong),
  };
  if (!setup.signedMetadata) return plain;
  const signed = {
    iss: origin,
    ...plain,
    ...(wrong('signs-other-values') ? { resource: `${origin}/other` } : {}),
  };
  return { ...plain, signed_metadata: signDocument(signed, setup.metadataKey) };
}

function names(setup: Setup, wrong: Wrong): Record<string, unknown> {
  const {
    resourceName,
    resourceNames = {},
    resourceDocumentation,
    resourcePolicyUri,
    resourceTosUri,
  } = setup;
  const all = {
    resource_name: resourceName,
    ...Object.fromEntries(Object.entries(resourceNames).map(([tag, name]) => [`resource_name#${tag}`, name])),
    resource_documentation: resourceDocumentation,
    resource_policy_uri: resourcePolicyUri,
    resource_tos_uri: resourceTosUri,
  };
  return Object.fromEntries(
    Object.entries(all).filter(
      ([name, value]) => value !== undefined && !(name.includes('#') && wrong('drops-language-variants')),
    ),
  );
}

function bindings(setup: Setup, wrong: Wrong): Record<string, unknown> {
  return {
    ...(setup.dpop || wrong('claims-dpop') ? { dpop_signing_alg_values_supported: ['ES256'] } : {}),
    ...(setup.dpop === 'Require' ? { dpop_bound_access_tokens_required: true } : {}),
    ...(setup.clientCertificates ? { tls_client_certificate_bound_access_tokens: true } : {}),
  };
}

export function signDocument(document: object, pem: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(document)}`;
  const key = createPrivateKey(pem);
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}
