// What a case wants of the target's configuration, in words of the specifications and not of any product.

/** RFC 9068 section 4 to the letter, or with the leniency that common authorization servers need (typ, client claim). */
export type Profile = 'Strict' | 'Compat';

/**
 * How the target shall be set up. What is not named is as in `BASELINE`. Plain data: cases whose needs are equal share
 * one running target.
 */
export interface Needs {
  /** The resource identifier; its path is the endpoint's. */
  readonly resource?: string;
  /** What authorization servers are named, instead of the one under control; their keys are never asked for. */
  readonly issuers?: readonly string[];
  /** A second authorization server under control, with a key of the same id: `bench.second`. */
  readonly secondIssuer?: boolean;
  readonly profile?: Profile;
  /** Accepted values of `aud`. */
  readonly audiences?: readonly string[];
  /** Whether a token may name other audiences besides. */
  readonly audiencePolicy?: 'Any' | 'Sole';
  readonly algorithms?: readonly string[];
  readonly clockSkewSeconds?: number;
  /** Where keys come from: a configured URL, or the issuer's metadata (RFC 8414). */
  readonly keysFrom?: 'Uri' | 'Discovery';
  /** Start although the authorization server does not answer. */
  readonly issuerDown?: boolean;
  /** The authorization server's certificate does not chain to what the target is told to trust. */
  readonly untrustedIssuer?: boolean;
  /** Opaque tokens by RFC 7662, at `bench.issuer.introspectionEndpoint`. */
  readonly introspection?: boolean;

  /** Scopes that every operation needs. */
  readonly requiredScopes?: readonly string[];
  readonly scopesSupported?: readonly string[];
  /** Which scopes the first challenge names: those needed now, or all that are supported. */
  readonly initialScopes?: 'Baseline' | 'All';
  /** Which scopes the challenge after a shortfall names: the operation's, or the granted ones too. */
  readonly stepUpScopes?: 'Operation' | 'IncludeGranted';
  /** Scopes that include others: the bigger one first. */
  readonly scopeHierarchy?: Readonly<Record<string, readonly string[]>>;

  /** What the well-known URL without a path answers. */
  readonly rootDocument?: 'Alias' | 'Origin' | 'Off';
  readonly resourceName?: string;
  /** By language tag. */
  readonly resourceNames?: Readonly<Record<string, string>>;
  readonly resourceDocumentation?: string;
  readonly resourcePolicyUri?: string;
  readonly resourceTosUri?: string;
  /** RFC 9728 section 2.2; the key's public half is `bench.setup.metadataKey`. */
  readonly signedMetadata?: boolean;

  /** RFC 9449. */
  readonly dpop?: 'Accept' | 'Require';
  readonly dpopNonces?: boolean;
  /** RFC 8705 section 3: the listener asks for client certificates, and bound tokens are held to them. */
  readonly clientCertificates?: boolean;

  readonly allowedOrigins?: readonly string[];
  /** Where the MCP server is, instead of the recording one. */
  readonly upstream?: string;
  /** A copy of the authorization server's metadata at the resource's origin, for clients of MCP 2025-03-26. */
  readonly mirrorsIssuerMetadata?: boolean;
  /** Tell the MCP server who calls by a signed assertion too; the key's public half is `bench.setup.metadataKey`. */
  readonly identityAssertion?: boolean;
  /** Failed authentications that one source address may cause in a minute. */
  readonly failuresPerMinute?: number;
  /** Sections D and F. */
  readonly transport?: TransportNeeds;
}

export interface TransportNeeds {
  readonly maxMessageBytes?: number;
  /** Off: bodies go by unread. */
  readonly messageChecks?: 'Enforced' | 'Off';
  /** What becomes of a session id that the target has not seen begin. */
  readonly unknownSessions?: 'NotFound' | 'TrustOnFirstUse';
  /** A comment goes out on a stream that was silent for so long; 0: never. */
  readonly eventStreamKeepAliveSeconds?: number;
  /** How long a call may go on after its token's expiry. */
  readonly callGraceSeconds?: number;
}

export const ORIGIN = 'https://mcp.example.test:8001';
export const RESOURCE = `${ORIGIN}/mcp`;
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';
/** The field by which targets tell the MCP server the token's `sub`: every configuration has it. */
export const IDENTITY = 'X-Mcp-Subject';
/** The field of the signed assertion, where there is one. */
export const ASSERTION = 'X-Mcp-Assertion';
/** An origin of browser clients that is allowed. */
export const BROWSER = 'http://localhost:6274';

/** The configuration of a case that needs nothing special. */
export const BASELINE = {
  resource: RESOURCE,
  profile: 'Strict',
  audiences: [RESOURCE],
  audiencePolicy: 'Any',
  algorithms: ['RS256', 'ES256'],
  clockSkewSeconds: 5,
  keysFrom: 'Discovery',
  requiredScopes: ['mcp:basic'],
  scopesSupported: ['mcp:basic'],
  allowedOrigins: [BROWSER],
} as const satisfies Needs;

/** Equal for needs that are equal. */
export function needsKey(needs: Needs): string {
  return JSON.stringify(Object.entries(needs).sort(([a], [b]) => (a < b ? -1 : 1)));
}
