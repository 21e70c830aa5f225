// Request target -> what it is for. Exact paths only, and one alias: what is not named here does not exist.
import type { SidecarConfig } from '../config/config.ts';
import {
  AUTHORIZATION_SERVER_PATH,
  METADATA_ROOT_PATH,
  metadataKeysPath,
  metadataPath,
  type PublicDocument,
} from '../metadata/metadata.ts';

export type Route =
  | { readonly kind: 'metadata'; readonly document: PublicDocument }
  /** The MCP endpoint; `search` is the query to forward, empty or with its `?`. */
  | { readonly kind: 'protected'; readonly search: string }
  | { readonly kind: 'not_found' };

const NOT_FOUND: Route = { kind: 'not_found' };
const PROTECTED: Route = { kind: 'protected', search: '' };

/**
 * A function from request targets in origin form to routes.
 * Targets are compared as they came: no decoding, no dot segments, no case folding, so that no second spelling of a
 * path exists here that the server would read differently.
 */
export function router(config: RoutedConfig): (target: string) => Route {
  const mcpPath = new URL(config.resource).pathname;
  // People type both, and the path on the server is the sidecar's to choose (RESOURCE_SERVER D2): no redirect is needed.
  const alias = mcpPath.endsWith('/') ? mcpPath : `${mcpPath}/`;
  const documents = publicPaths(config);
  return (target) => {
    if (target === mcpPath || target === alias) return PROTECTED;
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    if (path === mcpPath || path === alias)
      return { kind: 'protected', search: searchWithoutToken(target.slice(query + 1)) };
    return documents.get(path) ?? NOT_FOUND;
  };
}

type RoutedConfig = Pick<SidecarConfig, 'resource' | 'rootDocument' | 'mirrorAuthorizationServerMetadata'> & {
  readonly metadata: Pick<SidecarConfig['metadata'], 'signingKeyFile'>;
};

/** What is answered without a token. The resource's own document last: without a path it is at the root. */
function publicPaths(config: RoutedConfig): ReadonlyMap<string, Route> {
  const { resource, metadata, rootDocument, mirrorAuthorizationServerMetadata: mirrors } = config;
  const route = (document: PublicDocument): Route => ({ kind: 'metadata', document });
  return new Map([
    ...(mirrors ? [[AUTHORIZATION_SERVER_PATH, route('authorization_server')] as const] : []),
    ...(metadata.signingKeyFile === undefined ? [] : [[metadataKeysPath(resource), route('keys')] as const]),
    ...(rootDocument === 'Off' ? [] : [[METADATA_ROOT_PATH, route('root')] as const]),
    [metadataPath(resource), route('resource')],
  ]);
}

/**
 * Tokens in the query (RFC 6750 section 2.3) are ignored (OAuth 2.1 section 5.1) and not handed on, in whatever spelling
 * a server might read the name. The rest stays byte for byte as it was.
 */
function searchWithoutToken(query: string): string {
  const kept = query.split('&').filter((pair) => !pair.split(';').some(isToken));
  return kept.length === 0 || (kept.length === 1 && kept[0] === '') ? '' : `?${kept.join('&')}`;
}

/** PHP makes `_` of a dot, a blank and an open bracket in a name. */
function isToken(pair: string): boolean {
  const [name = ''] = pair.split('=', 1);
  return /^\s*access[_. []token(\[.*)?$/is.test(decodeName(name));
}

/** Leniently, as the most lenient server would: `%5F` is `_`, `+` is a blank, and what is no escape stays as it is. */
function decodeName(name: string): string {
  return name
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
