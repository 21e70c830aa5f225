// The protected resource metadata (RFC 9728): its URL, its document, its answers. Built from configuration alone.
import type { SidecarConfig } from './config.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** How long clients may keep the document (RFC 9728 section 7.10), in seconds. */
const MAX_AGE_SECONDS = 300;

/** Where the document of a resource is: the well-known part goes between host and path (RFC 9728 section 3.1). */
export function metadataUrl(resource: string): string {
  const path = resourcePath(resource);
  const origin = resource.slice(0, resource.length - path.length);
  return origin + metadataPath(resource);
}

/** The path of `metadataUrl`. The root form, without the resource's path, answers as an alias. */
export function metadataPath(resource: string): string {
  const path = resourcePath(resource);
  return WELL_KNOWN + (path === '/' ? '' : path);
}

export const METADATA_ROOT_PATH = WELL_KNOWN;

/** The path of a resource identifier as it is written: empty for an origin. `URL` would add a slash and change case. */
function resourcePath(resource: string): string {
  const slash = resource.indexOf('/', 'https://'.length);
  return slash < 0 ? '' : resource.slice(slash);
}

/**
 * The metadata document as it goes out. Members without a value are left out (RFC 9728 section 3.2).
 * Nothing in it comes from a request.
 */
export function metadataDocument(config: SidecarConfig): string {
  const { resourceName, scopesSupported } = config.metadata;
  return JSON.stringify({
    resource: config.resource,
    authorization_servers: config.issuers.map(({ issuer }) => issuer),
    ...(scopesSupported.length > 0 ? { scopes_supported: scopesSupported } : {}),
    bearer_methods_supported: ['header'],
    ...(resourceName === undefined ? {} : { resource_name: resourceName }),
  });
}

/** Fields of every answer on the metadata paths: public data, readable from any web page, without credentials. */
export const METADATA_FIELDS: readonly string[] = [
  'Content-Type',
  'application/json',
  'Cache-Control',
  `public, max-age=${MAX_AGE_SECONDS}`,
  'Access-Control-Allow-Origin',
  '*',
  'X-Content-Type-Options',
  'nosniff',
];

/** Fields of the answer to a preflight for the metadata: the SDKs send `MCP-Protocol-Version` on discovery. */
export const METADATA_PREFLIGHT_FIELDS: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Headers',
  'Accept, Content-Type, MCP-Protocol-Version',
  'Access-Control-Max-Age',
  '600',
];
