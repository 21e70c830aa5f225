// A configuration, compiled: everything a request is judged by, in the form that is quick to use. Swapped as a whole.
import type { Authenticator } from './authenticate.ts';
import type { SidecarConfig } from './config.ts';
import { hostPolicy, originPolicy } from './cors.ts';
import type { ChallengeParameters } from './denial.ts';
import { RequestHeaders } from './headers.ts';
import { metadataDocument, metadataUrl } from './metadata.ts';
import { router, type Route } from './route.ts';
import { Upstream } from './upstream.ts';

export interface Policy {
  readonly config: SidecarConfig;
  readonly authenticator: Authenticator;
  readonly route: (target: string) => Route;
  readonly isOurHost: (host: string) => boolean;
  readonly isAllowedOrigin: (origin: string) => boolean;
  readonly requestHeaders: RequestHeaders;
  readonly challenge: ChallengeParameters;
  readonly metadata: string;
  readonly upstream: Upstream;
  readonly upstreamPath: string;
  readonly hostLine: string;
  readonly forwardedLines: string;
}

/** @param pseudonym the name of this process in `Via`, by which it knows its own requests again */
export function compilePolicy(
  config: SidecarConfig,
  authenticator: Authenticator,
  pseudonym: string,
): Policy {
  const upstreamUrl = new URL(config.upstream.url);
  const { host: publicHost } = new URL(config.resource);
  return {
    config,
    authenticator,
    route: router(config.resource),
    isOurHost: hostPolicy(config),
    isAllowedOrigin: originPolicy(config.allowedOrigins),
    requestHeaders: new RequestHeaders(config, pseudonym),
    challenge: {
      resource: config.resource,
      resourceMetadata: metadataUrl(config.resource),
      // Clients ask for what is named here: without a baseline, for what the metadata offers (DESIGN, challenge scope).
      scopes: config.requiredScopes.length > 0 ? config.requiredScopes : config.metadata.scopesSupported,
    },
    metadata: metadataDocument(config),
    upstream: new Upstream({
      host: upstreamUrl.hostname.replace(/^\[|\]$/g, ''),
      port: Number(upstreamUrl.port || 80),
    }),
    upstreamPath: upstreamUrl.pathname,
    hostLine: `Host: ${upstreamUrl.host}\r\n`,
    forwardedLines: `X-Forwarded-Proto: https\r\nX-Forwarded-Host: ${publicHost}\r\nVia: 1.1 ${pseudonym}\r\n`,
  };
}
