// Which issuer the embedded authorization server stands in for, and whose CA the sidecar trusts for which issuer.
import type { Manifest } from '../../api/object.ts';
import type { Issuer, ProtectedMcpServer } from '../../api/protected-mcp-server.gen.ts';

const LOCAL_CA = 'protected-mcp-local-ca';
const CA_KEY = 'ca.crt';

export interface AuthorizationServerPlan {
  readonly port: number;
  readonly realm: string;
  /** Scope -> audience that it brings into a token. */
  readonly audiences: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
}

/** The first issuer that the embedded authorization server can stand in for; undefined when there is none. */
export function authorizationServer({ spec }: ProtectedMcpServer): AuthorizationServerPlan | undefined {
  const issuer = spec.authentication.issuers.find(isEmbedded);
  if (issuer === undefined) return undefined;
  const { port, pathname } = new URL(issuer.issuer);
  const scopes = [
    ...(spec.protectedResourceMetadata.scopesSupported ?? []),
    ...spec.authorization.requiredScopes,
  ];
  const [first = ''] = issuer.audiences;
  // The scope that clients will ask for has to bring the audience, as a mapper in Keycloak does.
  const carriers = scopes.some((scope) => issuer.audiences.includes(scope)) ? [] : scopes;
  return {
    port: Number(port || 443),
    realm: pathname.slice('/realms/'.length),
    audiences: Object.fromEntries([
      ...issuer.audiences.map((audience) => [audience, audience]),
      ...carriers.map((scope) => [scope, first]),
    ]) as Record<string, string>,
    scopes,
  };
}

/** An issuer on localhost with Keycloak's path. */
function isEmbedded({ issuer }: Issuer): boolean {
  const { hostname, pathname } = new URL(issuer);
  return hostname === 'localhost' && /^\/realms\/[A-Za-z0-9_-]+$/.test(pathname);
}

interface IssuerTrust {
  /** Whether `--issuer` names the issuer: then none is embedded. */
  readonly issuerGiven: boolean;
  /** PEM of `--ca-file`. */
  readonly issuerCa: string | undefined;
}

/** The issuers, with the CA of this machine where it is the one that signed their certificate. */
export function trustedIssuers(issuers: readonly Issuer[], { issuerGiven, issuerCa }: IssuerTrust): Issuer[] {
  const caBundleRef = { kind: 'ConfigMap' as const, name: LOCAL_CA, key: CA_KEY };
  return issuers.map((issuer) => {
    const trusted = issuerCa !== undefined || (!issuerGiven && isEmbedded(issuer));
    if (issuer.jwks.caBundleRef !== undefined || !trusted) return issuer;
    return { ...issuer, jwks: { ...issuer.jwks, caBundleRef } };
  });
}

/** What those references point to. */
export function caConfigMap(pem: string): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: LOCAL_CA }, data: { [CA_KEY]: pem } };
}
