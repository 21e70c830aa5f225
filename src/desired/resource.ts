// The resource identifier of a server: what the metadata publishes and clients type. Not how it is served.
import { PUBLIC_PORT } from '../api/names.ts';
import type { ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import { canonicalResource } from '../protocol/resource-identifier.ts';
import { namespaceOf } from './inputs.ts';

/** `protectedResourceMetadata.resource` in canonical form, or the Service's URL when it is left out. */
export function resourceIdentifier(server: ProtectedMcpServer): string {
  const { resource } = server.spec.protectedResourceMetadata;
  if (resource !== undefined) return canonicalResource(resource);
  return `https://${server.metadata.name}.${namespaceOf(server)}.svc:${PUBLIC_PORT}${server.spec.server.path}`;
}
