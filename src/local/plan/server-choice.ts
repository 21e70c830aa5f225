// Which ProtectedMcpServer to run, with what the command line says otherwise.
import type { Issuer, ProtectedMcpServer } from '../../api/protected-mcp-server.gen.ts';
import type { Manifests } from '../manifests/validation.ts';
import type { LocalOptions } from '../options.ts';
import { failure, success, type Result } from './result.ts';

export function chooseServer({ servers }: Manifests, options: LocalOptions): Result<ProtectedMcpServer> {
  const names = servers.map(({ metadata }) => metadata.name).join(', ');
  const chosen =
    options.name === undefined ? servers : servers.filter(({ metadata }) => metadata.name === options.name);
  const [server] = chosen;
  if (server === undefined)
    return failure({
      path: '--name',
      message: `no ProtectedMcpServer named "${options.name}"; found: ${names}`,
    });
  if (chosen.length > 1)
    return failure({
      path: '',
      message: `several ProtectedMcpServers found; choose one with --name: ${names}`,
    });
  return success(withOptions(server, options));
}

function withOptions(server: ProtectedMcpServer, { upstream, issuer }: LocalOptions): ProtectedMcpServer {
  const { spec } = server;
  const { scopesSupported, ...metadata } = spec.protectedResourceMetadata;
  return {
    ...server,
    spec: {
      ...spec,
      ...(upstream && { server: { ...spec.server, port: Number(upstream.port), path: upstream.pathname } }),
      ...(issuer && {
        protectedResourceMetadata: {
          ...metadata,
          ...(issuer.scopes.length > 0 && { scopesSupported: [...issuer.scopes] }),
        },
        authentication: {
          ...spec.authentication,
          issuers: [issuerOf(spec.authentication.issuers[0], issuer)],
        },
      }),
    },
  };
}

/** The first issuer of the resource lends what the command line does not say: algorithms and profile. */
function issuerOf(
  first: Issuer | undefined,
  { issuer, audience }: { issuer: string; audience: string },
): Issuer {
  if (first === undefined) throw new Error('the CRD requires at least one issuer');
  // Another authorization server: nothing is asked of it with credentials that were made for the first.
  const { introspection: _, ...rest } = first;
  return { ...rest, issuer, audiences: [audience], jwks: {} };
}
