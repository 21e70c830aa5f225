// The protected resource metadata (RFC 9728): its URLs, its documents, its answers. Built from configuration alone.
import { AUTHORIZATION_SERVER_METADATA_PATH, RESOURCE_METADATA_PATH } from '../../protocol/oauth.ts';
import { originOf, pathOf } from '../../protocol/resource-identifier.ts';
import type { SidecarConfig } from '../config/config.ts';
import { DPOP_ALGORITHMS } from '../config/algorithms.ts';
import { taggedText, type TaggedText } from './etag.ts';
import { keySet, type SigningKey } from '../tokens/signing-key.ts';

/** How long clients may keep the document (RFC 9728 section 7.10), in seconds. */
const MAX_AGE_SECONDS = 300;

/** Where the document of a resource is: the well-known part goes between host and path (RFC 9728 section 3.1). */
export function metadataUrl(resource: string): string {
  return originOf(resource) + metadataPath(resource);
}

/** The path of `metadataUrl`. The root form, without the resource's path, answers as an alias. */
export function metadataPath(resource: string): string {
  const path = pathOf(resource);
  return RESOURCE_METADATA_PATH + (path === '/' ? '' : path);
}

export const METADATA_ROOT_PATH = RESOURCE_METADATA_PATH;

/** Where the keys that sign the document are: below its path, which the sidecar serves anyway. */
export function metadataKeysPath(resource: string): string {
  return `${metadataPath(resource)}/jwks.json`;
}

/** Where clients of MCP 2025-03-26 look for the authorization server's metadata, served where that is configured. */
export const AUTHORIZATION_SERVER_PATH = AUTHORIZATION_SERVER_METADATA_PATH;

/** The public documents. */
export type PublicDocument = 'resource' | 'root' | 'keys' | 'authorization_server';

interface DocumentParts {
  /** Signs the documents; plain ones only when absent. */
  readonly signingKey: SigningKey | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The documents that are made from the configuration; `undefined` where there is none. */
export function metadataDocuments(
  config: SidecarConfig,
  parts: DocumentParts,
): Readonly<Record<Exclude<PublicDocument, 'authorization_server'>, TaggedText | undefined>> {
  const own = taggedText(document(config, config.resource, parts));
  const roots = {
    Alias: () => own,
    // RFC 9728 section 3.3: what is found at the root must name the origin.
    Origin: () => taggedText(document(config, originOf(config.resource), parts)),
    Off: () => undefined,
  };
  return {
    resource: own,
    root: roots[config.rootDocument](),
    keys: parts.signingKey && taggedText(keySet([parts.signingKey])),
  };
}

function document(config: SidecarConfig, resource: string, { signingKey, now }: DocumentParts): string {
  const members = metadataMembers(config, resource, signingKey !== undefined);
  if (signingKey === undefined) return JSON.stringify(members);
  // RFC 9728 section 2.2: the same members as claims, and `iss`, which attests to them; no signed_metadata within.
  const claims = { ...members, iss: resource, iat: Math.floor(now / 1000) };
  return JSON.stringify({ ...members, signed_metadata: signingKey.signJwt('JWT', claims) });
}

/** Members without a value are left out (RFC 9728 section 3.2). Nothing comes from a request. */
function metadataMembers(
  config: SidecarConfig,
  resource: string,
  signed: boolean,
): Readonly<Record<string, unknown>> {
  const { scopesSupported, localized = [] } = config.metadata;
  return {
    resource,
    authorization_servers: config.issuers.map(({ issuer }) => issuer),
    ...(signed && { jwks_uri: originOf(config.resource) + metadataKeysPath(config.resource) }),
    ...(scopesSupported.length > 0 && { scopes_supported: scopesSupported }),
    bearer_methods_supported: ['header'],
    ...senderConstraints(config),
    ...humanReadable(config.metadata, ''),
    ...Object.fromEntries(
      localized.flatMap((texts) => Object.entries(humanReadable(texts, `#${texts.language}`))),
    ),
  };
}

/** Exactly what is enforced: a client that expects less would be refused, one that expects more would be exposed. */
function senderConstraints({ dpop, clientCertificates }: SidecarConfig): Readonly<Record<string, unknown>> {
  return {
    ...(dpop.mode !== 'Off' && { dpop_signing_alg_values_supported: DPOP_ALGORITHMS }),
    ...(dpop.mode === 'Require' && { dpop_bound_access_tokens_required: true }),
    ...(clientCertificates.mode !== 'Off' && { tls_client_certificate_bound_access_tokens: true }),
  };
}

type HumanReadable = Pick<
  SidecarConfig['metadata'],
  'resourceName' | 'resourceDocumentation' | 'resourcePolicyUri' | 'resourceTosUri'
>;

/** @param tag nothing, or `#` and a language (RFC 9728 section 2.1) */
function humanReadable(texts: HumanReadable, tag: string): Record<string, string> {
  const { resourceName, resourceDocumentation, resourcePolicyUri, resourceTosUri } = texts;
  return {
    ...(resourceName !== undefined && { [`resource_name${tag}`]: resourceName }),
    ...(resourceDocumentation !== undefined && { [`resource_documentation${tag}`]: resourceDocumentation }),
    ...(resourcePolicyUri !== undefined && { [`resource_policy_uri${tag}`]: resourcePolicyUri }),
    ...(resourceTosUri !== undefined && { [`resource_tos_uri${tag}`]: resourceTosUri }),
  };
}

/**
 * Fields of every answer with a document, 304 among them: public data, readable from any web page, without credentials.
 * No `Vary`: a document is the same for every client.
 */
export function metadataFields({ tag }: TaggedText): readonly string[] {
  return ['ETag', tag, ...METADATA_FIELDS];
}

const METADATA_FIELDS = [
  ...['Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`],
  ...['Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', 'ETag'],
  ...['X-Content-Type-Options', 'nosniff'],
];

/** Of an answer that holds the document itself. */
export const METADATA_TYPE: readonly string[] = ['Content-Type', 'application/json'];

/** Fields of the answer to a preflight for the metadata: the SDKs send `MCP-Protocol-Version` on discovery. */
export const METADATA_PREFLIGHT_FIELDS: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Headers',
  'Accept, Content-Type, If-None-Match, MCP-Protocol-Version',
  'Access-Control-Max-Age',
  '600',
];
