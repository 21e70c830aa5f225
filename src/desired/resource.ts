// The resource identifier of a server: what the metadata publishes and clients type. Not how it is served.
import { PUBLIC_PORT } from '../api/names.ts';
import type { ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import { namespaceOf } from './inputs.ts';

/** `protectedResourceMetadata.resource` in canonical form, or the Service's URL when it is left out. */
export function resourceIdentifier(server: ProtectedMcpServer): string {
  const { resource } = server.spec.protectedResourceMetadata;
  if (resource !== undefined) return canonicalResource(resource);
  return `https://${server.metadata.name}.${namespaceOf(server)}.svc:${PUBLIC_PORT}${server.spec.server.path}`;
}

/**
 * MCP "Canonical Server URI": scheme and host in lower case, no default port, path untouched.
 * Clients compare it byte for byte (RFC 9728 section 3.3), so `URL.href` will not do: it adds a slash to `https://host`.
 */
export function canonicalResource(resource: string): string {
  const parts = /^([^:]+):\/\/([^/]*)(.*)$/.exec(resource);
  if (parts === null) return resource;
  const [, scheme = '', authority = '', path = ''] = parts;
  return `${scheme.toLowerCase()}://${authority.toLowerCase().replace(/:443$/, '')}${path}`;
}
