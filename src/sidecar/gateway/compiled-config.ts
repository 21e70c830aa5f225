// A configuration, compiled: everything that decides about requests, in the form that is quick to use. Swapped as a whole.
import type { Authenticator } from '../authentication/authenticate.ts';
import type { SidecarConfig } from '../config/config.ts';
import { originPolicy } from './cors.ts';
import { hostPolicy } from './host.ts';
import type { ChallengeParameters } from '../denial/challenge.ts';
import { DPOP_ALGORITHMS } from '../config/algorithms.ts';
import type { DpopNonces } from '../authentication/dpop-nonce.ts';
import { RequestHeaders } from '../http/request-headers.ts';
import { withoutBrackets } from '../../protocol/host.ts';
import type { Clock } from '../../base/clock.ts';
import { taggedText, type TaggedText } from '../metadata/etag.ts';
import { FailureLimit } from '../limits/failure-limit.ts';
import { IdentityAssertion } from '../proxy/identity-assertion.ts';
import { metadataDocuments, metadataUrl, type PublicDocument } from '../metadata/metadata.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import { router, type Route } from './router.ts';
import { compilePolicy, type Policy } from '../authorization/policy.ts';
import { knownScopes } from '../authorization/scopes.ts';
import { contentCheck, type ContentCheck } from '../messages/content-type.ts';
import type { ProxySettings } from '../proxy/proxy.ts';
import { ResponseHeaders } from '../proxy/response-headers.ts';
import { Upstream } from '../proxy/upstream-pool.ts';

export interface CompiledConfig {
  readonly config: SidecarConfig;
  readonly authenticator: Authenticator;
  readonly route: (target: string) => Route;
  readonly isOurHost: (host: string) => boolean;
  readonly isAllowedOrigin: (origin: string) => boolean;
  readonly requestHeaders: RequestHeaders;
  readonly challenge: ChallengeParameters;
  readonly policy: Policy;
  readonly contentDenial: ContentCheck;
  /** Undefined where proofs need no nonce. */
  readonly nonces: DpopNonces | undefined;
  /** A public document as it goes out; undefined while it cannot be had. */
  readonly document: (name: PublicDocument) => TaggedText | undefined;
  /** Signs what the server reads about the principal; undefined where no assertion is configured. */
  readonly identity: IdentityAssertion | undefined;
  /** Undefined where failures are not limited. */
  readonly failures: FailureLimit | undefined;
  readonly upstream: Upstream;
  readonly proxySettings: ProxySettings;
}

interface ConfigParts {
  readonly authenticator: Authenticator;
  /** The name of this process in `Via`, by which it knows its own requests again. */
  readonly pseudonym: string;
  readonly clock: Clock;
  readonly metadataKey: SigningKey | undefined;
  readonly identityKey: SigningKey | undefined;
  readonly nonces: DpopNonces | undefined;
  /** The metadata of the first issuer as it came, if it could be had. */
  readonly authorizationServer: () => string | undefined;
  /** Called when the server has sent bytes that no request had asked for. */
  readonly onSurplus: () => void;
}

export function compileConfig(config: SidecarConfig, parts: ConfigParts): CompiledConfig {
  const documents = metadataDocuments(config, { signingKey: parts.metadataKey, now: parts.clock() });
  const authorizationServer = taggedWhenChanged(parts.authorizationServer);
  const upstream = upstreamOf(config, parts.onSurplus);
  return {
    config,
    authenticator: parts.authenticator,
    route: router(config),
    isOurHost: hostPolicy(config),
    isAllowedOrigin: originPolicy(config.allowedOrigins),
    requestHeaders: new RequestHeaders(config, parts.pseudonym),
    challenge: {
      resource: config.resource,
      resourceMetadata: metadataUrl(config.resource),
      // Clients ask for what is named here: without a baseline, for what the metadata offers (DESIGN, challenge scope).
      scopes: challengeScopes(config),
      dpop:
        config.dpop.mode === 'Off'
          ? undefined
          : { algorithms: DPOP_ALGORITHMS, only: config.dpop.mode === 'Require' },
    },
    policy: compilePolicy(config),
    contentDenial: contentCheck(config.transport.maxMessageBytes),
    nonces: parts.nonces,
    document: (name) => (name === 'authorization_server' ? authorizationServer() : documents[name]),
    identity: identityAssertion(config, parts),
    failures: config.failureLimit && new FailureLimit(config.failureLimit.perMinute, parts.clock),
    upstream,
    proxySettings: proxySettings(config, upstream, parts.pseudonym),
  };
}

function upstreamOf({ upstream: { url } }: SidecarConfig, onSurplus: () => void): Upstream {
  const { hostname, port } = new URL(url);
  return new Upstream({ host: withoutBrackets(hostname), port: Number(port || 80) }, onSurplus);
}

function proxySettings(config: SidecarConfig, upstream: Upstream, pseudonym: string): ProxySettings {
  const { pathname, host } = new URL(config.upstream.url);
  const { host: publicHost } = new URL(config.resource);
  const { callGraceSeconds, maxStreamSeconds, eventStreamKeepAliveSeconds } = config.transport;
  return {
    upstream,
    responseHeaders: new ResponseHeaders(),
    path: pathname,
    hostLine: `Host: ${host}\r\n`,
    forwardedLines: `X-Forwarded-Proto: https\r\nX-Forwarded-Host: ${publicHost}\r\nVia: 1.1 ${pseudonym}\r\n`,
    callGraceMs: callGraceSeconds * 1000,
    maxStreamMs: maxStreamSeconds * 1000,
    keepAliveMs: eventStreamKeepAliveSeconds * 1000,
  };
}

/** A tag costs a digest: one for each text that another program may change, not one for each request. */
function taggedWhenChanged(read: () => string | undefined): () => TaggedText | undefined {
  let last: TaggedText | undefined;
  return () => {
    const text = read();
    if (text === undefined) return undefined;
    if (last?.text !== text) last = taggedText(text);
    return last;
  };
}

/** The scopes of a first challenge: as few as will do, or every one that there is (`initialScopes`). */
function challengeScopes(config: SidecarConfig): readonly string[] {
  const { initialScopes, requiredScopes, metadata } = config;
  if (initialScopes === 'All') return [...knownScopes(config)];
  return requiredScopes.length > 0 ? requiredScopes : metadata.scopesSupported;
}

function identityAssertion(
  { identityAssertion: wanted, resource, upstream }: SidecarConfig,
  { identityKey: key, clock }: ConfigParts,
): IdentityAssertion | undefined {
  if (wanted === undefined || key === undefined) return undefined;
  return new IdentityAssertion({
    header: wanted.header,
    issuer: resource,
    audience: upstream.url,
    key,
    clock,
  });
}
