// Request target -> what it is for. Exact paths only: what is not named here does not exist.
import { METADATA_ROOT_PATH, metadataPath } from './metadata.ts';

export type Route =
  | { readonly kind: 'metadata' }
  /** The MCP endpoint; `search` is the query to forward, empty or with its `?`. */
  | { readonly kind: 'protected'; readonly search: string }
  | { readonly kind: 'not_found' };

const METADATA: Route = { kind: 'metadata' };
const NOT_FOUND: Route = { kind: 'not_found' };
const PROTECTED: Route = { kind: 'protected', search: '' };

/** RFC 6750 section 2.3 tokens are ignored (OAuth 2.1 section 5.1) and not handed on. */
const QUERY_TOKEN = /(^|&)access_token=[^&]*/g;

/**
 * A function from request targets in origin form to routes.
 * Targets are compared as they came: no decoding, no dot segments, no case folding, so that no second spelling of a
 * path exists here that the server would read differently.
 */
export function router(resource: string): (target: string) => Route {
  const mcpPath = new URL(resource).pathname;
  const documentPath = metadataPath(resource);
  return (target) => {
    if (target === mcpPath) return PROTECTED;
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    if (path === mcpPath) return { kind: 'protected', search: searchWithoutToken(target.slice(query + 1)) };
    if (path === documentPath || path === METADATA_ROOT_PATH) return METADATA;
    return NOT_FOUND;
  };
}

function searchWithoutToken(query: string): string {
  const kept = query.replace(QUERY_TOKEN, '').replace(/^&/, '');
  return kept === '' ? '' : `?${kept}`;
}
