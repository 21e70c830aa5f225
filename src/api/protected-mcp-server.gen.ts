// GENERATED from crds/protectedmcpservers.yaml by `npm run generate`. Do not edit.
// The form after defaults: what the API server and local validation hand out.

/**
 * An MCP server that only clients with a valid OAuth 2.1 access token can reach. The operator runs the
 * server with a sidecar in the same pod; the sidecar is the OAuth resource server, the MCP server
 * stays on loopback and never sees a token.
 */
export interface ProtectedMcpServer {
  /** The version of this API, `protectedmcp.dev/v1alpha1`. */
  apiVersion: string;
  /** Always `ProtectedMcpServer`. */
  kind: string;
  /** Standard metadata. */
  metadata: ObjectMeta;
  /** What is wanted. Written by users. */
  spec: Spec;
  /** What is observed. Written by the operator. */
  status?: Status;
}

/** What is wanted. Written by users. */
export interface Spec {
  /**
   * Number of pods. Leave it out when an autoscaler sets it (the scale subresource is supported); the
   * operator then never writes it, and Kubernetes starts with 1.
   */
  replicas?: number;
  /**
   * The MCP server's container. It must serve streamable HTTP on `127.0.0.1:<port><path>`; the variables
   * HOST=127.0.0.1 and PORT are set unless `env` sets them.
   */
  server: Server;
  /** What else the pods need. */
  podTemplate: PodTemplate;
  /**
   * What the sidecar publishes at `/.well-known/oauth-protected-resource` (RFC 9728), so that clients
   * find the authorization server.
   */
  protectedResourceMetadata: ProtectedResourceMetadata;
  /** Which tokens are accepted. */
  authentication: Authentication;
  /** What a valid token is allowed to do. */
  authorization: Authorization;
  /** What older clients need, and newer ones do not. */
  compatibility: Compatibility;
  /**
   * The certificate of port 8001. By default the operator's own authority issues it and renews it in
   * time, for the names of the server's Service, `localhost`, and hosts that the platform allows to the
   * namespace (`tls.hosts` of the operator's chart). Changes are picked up without dropping a
   * connection.
   */
  tls: Tls;
  /** What is required of messages, sessions and streams before they reach the server. */
  transport: Transport;
  /** Who may connect. */
  network: Network;
  /** The Service in front of port 8001. It has the resource's name. */
  service: Service;
  /** The container that checks tokens. */
  sidecar: Sidecar;
}

/**
 * The MCP server's container. It must serve streamable HTTP on `127.0.0.1:<port><path>`; the variables
 * HOST=127.0.0.1 and PORT are set unless `env` sets them.
 */
export interface Server {
  /** The container image, such as `mcp-echo-server:0.1.0` or one with a digest. */
  image: string;
  /** The port that the server listens on, on loopback. */
  port: number;
  /**
   * The path of the server's MCP endpoint. It is also the public path unless
   * `protectedResourceMetadata.resource` names another.
   */
  path: string;
  /**
   * Request headers of clients that the server gets besides those of HTTP, MCP, trace context and
   * `X-MCP-Toolsets` and its like: names, or beginnings of names that end in `-*`, such as
   * `X-Grafana-*`. All others are dropped, counted and named in the sidecar's log. Headers that say who
   * the client is cannot be added, nor those of `claimToHeaders`.
   */
  forwardHeaders?: string[];
  /**
   * Requests and streams that may be with the server at once, each on a connection of its own; further
   * ones get 503. One principal has half of them at the most. 640 by default, which fits into the 1,024
   * open files that many containers may have: raise it together with those.
   */
  maxConcurrentRequests?: number;
  /** Replaces the image's entry point, as in a Pod. */
  command?: string[];
  /** Replaces the image's arguments, as in a Pod. */
  args?: string[];
  /**
   * Environment variables, as in a Pod. HOST and PORT given here replace the ones that the operator
   * sets.
   */
  env?: EnvVar[];
  /** Takes all keys of ConfigMaps and Secrets as variables, as in a Pod. */
  envFrom?: EnvFromSource[];
  /** CPU, memory and other resources of the server's container, as in a Pod. */
  resources?: Resources;
  /**
   * Security settings of the server's container, as in a Pod. Fields given here replace the operator's,
   * which satisfy the Pod Security Standard `restricted`: non-root, no privilege escalation, no
   * capabilities, the runtime's seccomp profile. What the level of the operator's chart does not allow
   * is refused (`PodSecurityViolation`).
   */
  securityContext?: {
    [k: string]: unknown;
  };
  /** Where volumes of `podTemplate.volumes` appear in the server's container, as in a Pod. */
  volumeMounts?: VolumeMount[];
  /**
   * When to restart the server, as in a Pod. The kubelet connects to the pod's address, where a server
   * on loopback does not listen: use `exec`.
   */
  livenessProbe?: {
    [k: string]: unknown;
  };
  /**
   * When the server can take requests, as in a Pod. The kubelet connects to the pod's address, where a
   * server on loopback does not listen: use `exec`.
   */
  readinessProbe?: {
    [k: string]: unknown;
  };
  /**
   * When the server has started, as in a Pod. The kubelet connects to the pod's address, where a server
   * on loopback does not listen: use `exec`.
   */
  startupProbe?: {
    [k: string]: unknown;
  };
}

/** One environment variable. Give `value` or `valueFrom`. */
export interface EnvVar {
  /** The variable's name. */
  name: string;
  /** The variable's value. `$(NAME)` refers to another variable. */
  value?: string;
  /** Where the value comes from. */
  valueFrom?: EnvVarSource;
}

/** Where the value comes from. */
export interface EnvVarSource {
  /** A key of a ConfigMap in the same namespace. */
  configMapKeyRef?: KeyRef;
  /** A key of a Secret in the same namespace. */
  secretKeyRef?: KeyRef;
  /** A field of the pod, such as `status.podIP`. */
  fieldRef?: FieldRef;
  /** A resource request or limit of a container. */
  resourceFieldRef?: ResourceFieldRef;
}

export interface KeyRef {
  /** The object's name. */
  name: string;
  /** The key in the object. */
  key: string;
  /** Whether the object or key may be missing. */
  optional?: boolean;
}

/** A field of the pod, such as `status.podIP`. */
export interface FieldRef {
  /** The version of the path. */
  apiVersion?: string;
  /** The path of the field. */
  fieldPath: string;
}

/** A resource request or limit of a container. */
export interface ResourceFieldRef {
  /** The container. */
  containerName?: string;
  /** Such as `limits.memory`. */
  resource: string;
  /** The unit of the value, such as `1Mi`. */
  divisor?: number | string;
}

/** One source of variables. */
export interface EnvFromSource {
  /** Put before each name. */
  prefix?: string;
  /** A ConfigMap in the same namespace. */
  configMapRef?: ObjectRef;
  /** A Secret in the same namespace. */
  secretRef?: ObjectRef;
}

export interface ObjectRef {
  /** The object's name. */
  name: string;
  /** Whether the object may be missing. */
  optional?: boolean;
}

export interface Resources {
  /** What the scheduler reserves. */
  requests?: {
    /** A quantity, such as `250m` or `128Mi`. */
    [k: string]: number | string;
  };
  /** What the container may use at most. */
  limits?: {
    /** A quantity, such as `1` or `512Mi`. */
    [k: string]: number | string;
  };
}

/** One mount. */
export interface VolumeMount {
  /** The volume's name, one of `podTemplate.volumes`. */
  name: string;
  /** The path in the container. */
  mountPath: string;
  /** The path in the volume. */
  subPath?: string;
  /** The path in the volume, with `$(NAME)` replaced by variables. */
  subPathExpr?: string;
  /** Whether the container may only read. */
  readOnly?: boolean;
  /** Whether mounts below this one are read-only too. */
  recursiveReadOnly?: 'Disabled' | 'IfPossible' | 'Enabled';
  /** Whether mounts travel between host and container. */
  mountPropagation?: 'None' | 'HostToContainer' | 'Bidirectional';
}

/** What else the pods need. */
export interface PodTemplate {
  /** Labels added to the pods. */
  labels?: {
    /** The label's value. */
    [k: string]: string;
  };
  /** Annotations added to the pods. */
  annotations?: {
    /** The annotation's value. */
    [k: string]: string;
  };
  /**
   * Volumes for `server.volumeMounts`, as in a Pod, of the types that the level of the operator's chart
   * allows. The pod has no service-account token; a server that calls the Kubernetes API takes one from
   * a `projected` volume here.
   */
  volumes?: Volume[];
  /** Labels that a node must have to run the pods. */
  nodeSelector?: {
    /** The label's value. */
    [k: string]: string;
  };
  /** Taints of nodes that the pods tolerate, as in a Pod. */
  tolerations?: Toleration[];
  /** Which nodes and neighbours the pods prefer, as in a Pod. */
  affinity?: {
    [k: string]: unknown;
  };
  /**
   * How pods spread over the cluster, as in a Pod. With more than one replica the default spreads them
   * over nodes where possible; an empty list turns that off.
   */
  topologySpreadConstraints?: {
    [k: string]: unknown;
  }[];
  /**
   * An existing ServiceAccount for the pods. By default the operator makes one that has the resource's
   * name and no permissions.
   */
  serviceAccountName?: string;
  /** Secrets in the same namespace with registry credentials, as in a Pod. */
  imagePullSecrets?: LocalObjectReference[];
}

/** One volume, with its source as in a Pod. */
export interface Volume {
  /** The volume's name. Names that begin with `protected-mcp-` are the operator's. */
  name: string;
  [k: string]: unknown;
}

/** One toleration. */
export interface Toleration {
  /** The taint's key. All taints when empty. */
  key?: string;
  /** How the value is compared. Equal when absent. */
  operator?: 'Exists' | 'Equal' | 'Lt' | 'Gt';
  /** The taint's value. */
  value?: string;
  /** The taint's effect. All effects when empty. */
  effect?: '' | 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /** For NoExecute, how long the pod stays, in seconds. For ever when absent. */
  tolerationSeconds?: number;
}

/** One Secret. */
export interface LocalObjectReference {
  /** The Secret's name. */
  name: string;
}

/**
 * What the sidecar publishes at `/.well-known/oauth-protected-resource` (RFC 9728), so that clients
 * find the authorization server.
 */
export interface ProtectedResourceMetadata {
  /**
   * The resource identifier (RFC 9728 section 1.2): exactly the URL that clients type, and the
   * `resource` that they ask a token for (RFC 8707). Its path is the only one served. The default is
   * `https://<name>.<namespace>.svc:8001<server.path>`, which works inside the cluster.
   */
  resource?: string;
  /** A name that clients show to people (`resource_name`). */
  resourceName?: string;
  /** The URL of a page for developers (`resource_documentation`). */
  resourceDocumentation?: string;
  /** The URL of a page on how the resource's data may be used (`resource_policy_uri`). */
  resourcePolicyUri?: string;
  /** The URL of the terms of service (`resource_tos_uri`). */
  resourceTosUri?: string;
  /**
   * The name and the pages in other languages, published with the language behind the member's name,
   * such as `resource_name#it` (RFC 9728 section 2.1).
   */
  localized?: LocalizedMetadata[];
  /**
   * What is at `/.well-known/oauth-protected-resource` without the resource's path, where many older
   * clients look. `Alias`: the same document. `Origin`: one whose `resource` is the origin, as RFC 9728
   * section 3.3 demands and VS Code checks; the origin is then accepted in `aud` too, for every issuer.
   * `Off`: nothing, 404.
   */
  rootDocument: 'Alias' | 'Origin' | 'Off';
  /**
   * Adds `signed_metadata` to the document, the same as a signed JWT (RFC 9728 section 2.2), and
   * `jwks_uri`, where the public key is. Off by default.
   */
  signedMetadata?: SignedMetadata;
  /**
   * Scopes that clients may ask for (`scopes_supported`). Clients request what is named here, so list
   * only scopes that the authorization server gives to them. The default is
   * `authorization.requiredScopes`; an empty list is left out of the document. Named in the challenge
   * when there are no required scopes.
   */
  scopesSupported?: string[];
}

/** The texts of one language. */
export interface LocalizedMetadata {
  /** The language, such as `it` or `pt-BR` (RFC 5646). */
  language: string;
  /** A name that clients show to people. */
  resourceName?: string;
  /** The URL of a page for developers (`resource_documentation`). */
  resourceDocumentation?: string;
  /** The URL of a page on how the resource's data may be used (`resource_policy_uri`). */
  resourcePolicyUri?: string;
  /** The URL of the terms of service (`resource_tos_uri`). */
  resourceTosUri?: string;
}

/**
 * Adds `signed_metadata` to the document, the same as a signed JWT (RFC 9728 section 2.2), and
 * `jwks_uri`, where the public key is. Off by default.
 */
export interface SignedMetadata {
  /**
   * A private key in PEM form without a passphrase, in a Secret in the same namespace: EC on P-256,
   * P-384 or P-521, Ed25519, or RSA of 2048 bits or more. Changes are picked up without a restart.
   */
  secretRef: SigningKeyRef;
}

export interface SigningKeyRef {
  /** The Secret's name. */
  name: string;
  /** The key in the Secret; `tls.key` is what cert-manager writes. */
  key: string;
}

/** Which tokens are accepted. */
export interface Authentication {
  /**
   * The authorization servers. A token is checked only with the keys, audiences and algorithms of the
   * issuer that its `iss` claim names. The first one is listed first in the metadata.
   */
  issuers: Issuer[];
  /**
   * Tokens that are bound to a key of the client, which signs a proof for each request (DPoP, RFC 9449):
   * a stolen token cannot be used without that key.
   */
  dpop: Dpop;
  /**
   * Tokens that are bound to the client's TLS certificate (RFC 8705 section 3). Clients must reach port
   * 8001 without a proxy that ends TLS. Which authority issued the certificate does not matter: the
   * token names it.
   */
  clientCertificates: ClientCertificates;
  /**
   * How far the clocks of the authorization server and the cluster may differ when `exp`, `nbf` and
   * `iat` are checked. A duration such as `30s`, at most `300s`.
   */
  clockSkew: string;
  /**
   * Claims of the token that the server receives as request headers. The same headers from clients are
   * removed, so the server can trust them.
   */
  claimToHeaders: ClaimToHeader[];
  /**
   * Hands the client's token on to the server in `Authorization`. MCP forbids servers to use it for
   * other services ("Token Passthrough"); leave it off unless the server checks it itself.
   */
  forwardOriginalToken: boolean;
  /**
   * Asserts the principal to the server in a JWT that the sidecar signs, valid for at most 60 seconds:
   * `sub`, `idp` (the token's issuer), `client_id`, `iss` (the resource identifier) and `aud` (the
   * server's URL). The public key is at port 9001, `/jwks`. Unlike a plain header it is also proof to
   * what the server calls. Off by default.
   */
  identityAssertion?: IdentityAssertion;
  /**
   * Answers invalid tokens with 429 when too many come from one source address (one /64 of IPv6). Beyond
   * the limit, tokens of a connection that has sent an invalid one are not looked at, unless they are
   * known to be valid; others still pass. Requests without a token do not count. Behind a load balancer
   * that hides addresses all clients are one. Off by default.
   */
  failureLimit?: FailureLimit;
}

/** One authorization server. */
export interface Issuer {
  /**
   * The issuer identifier (RFC 8414 section 2), compared with the `iss` claim byte for byte: copy it
   * from the authorization server's metadata.
   */
  issuer: string;
  /**
   * Accepted values of the `aud` claim. A token must hold one of them exactly; a token without `aud` is
   * refused (RFC 9068 section 4, RFC 8725 section 3.9). Use a value that no other service accepts. Of a
   * URL, only scheme and host may be in another case, a default port may be written out, and a lone
   * slash counts as no path.
   */
  audiences: string[];
  /**
   * Whether a token may name other audiences besides. `Sole` refuses it: each service that such a token
   * is for could use it at the others.
   */
  audiencePolicy: 'Any' | 'Sole';
  /**
   * Accepted signature algorithms (RFC 7518, RFC 8037). Only asymmetric ones exist here: `none` and HMAC
   * cannot be allowed (RFC 8725 section 3.1).
   */
  algorithms: (
    | 'RS256'
    | 'RS384'
    | 'RS512'
    | 'PS256'
    | 'PS384'
    | 'PS512'
    | 'ES256'
    | 'ES384'
    | 'ES512'
    | 'EdDSA'
    | 'Ed25519'
  )[];
  /**
   * How strictly the token's form is checked. `Strict` takes only RFC 9068 access tokens (`typ:
   * at+jwt`); `Compat` also takes `typ: JWT` or none, as Keycloak and Entra ID send, and still refuses
   * ID tokens and other kinds.
   */
  tokenProfile: 'Compat' | 'Strict';
  /** Where the issuer's public keys come from. */
  jwks: Jwks;
  /**
   * Opaque tokens: those that are no signed JWTs are shown to the issuer, which says what they are (RFC
   * 7662). Its answer must hold `active: true`, `aud`, `exp`, `sub` and a client, and is trusted for at
   * most a minute. The issuer's CA bundle is that of `jwks`.
   */
  introspection?: Introspection;
}

/** Where the issuer's public keys come from. */
export interface Jwks {
  /**
   * The URL of the key set (RFC 7517). The default is discovered from the issuer's metadata (RFC 8414).
   * May name another host than the issuer, when pods reach the authorization server by an internal name.
   */
  uri?: string;
  /**
   * Certificates (PEM) that the authorization server's TLS certificate must chain to. The default is the
   * system's well-known authorities. Changes are picked up without a restart.
   */
  caBundleRef?: CaBundleRef;
}

/**
 * Certificates (PEM) that the authorization server's TLS certificate must chain to. The default is the
 * system's well-known authorities. Changes are picked up without a restart.
 */
export interface CaBundleRef {
  /** The kind of the object, in the same namespace. */
  kind: 'ConfigMap' | 'Secret';
  /** The object's name. */
  name: string;
  /** The key in the object that holds the certificates. */
  key: string;
}

/**
 * Opaque tokens: those that are no signed JWTs are shown to the issuer, which says what they are (RFC
 * 7662). Its answer must hold `active: true`, `aud`, `exp`, `sub` and a client, and is trusted for at
 * most a minute. The issuer's CA bundle is that of `jwks`.
 */
export interface Introspection {
  /** The introspection endpoint. The default is discovered from the issuer's metadata (RFC 8414). */
  endpoint?: string;
  /**
   * How the sidecar is known to the issuer: a Secret in the same namespace with `client_id` and
   * `client_secret`. Changes are picked up without a restart.
   */
  clientSecretRef: ClientSecretRef;
}

/**
 * How the sidecar is known to the issuer: a Secret in the same namespace with `client_id` and
 * `client_secret`. Changes are picked up without a restart.
 */
export interface ClientSecretRef {
  /** The Secret's name. */
  name: string;
}

/**
 * Tokens that are bound to a key of the client, which signs a proof for each request (DPoP, RFC 9449):
 * a stolen token cannot be used without that key.
 */
export interface Dpop {
  /**
   * `Accept` takes bound tokens with their proof, and plain ones as before; `Require` takes bound ones
   * only, and says so in the metadata. `Off` refuses bound tokens: as plain Bearer they would be worth
   * more to a thief than they should be.
   */
  mode: 'Off' | 'Accept' | 'Require';
  /**
   * How far the time in a proof (`iat`) may be from now, either way, and so for how long used proofs are
   * remembered. A duration such as `60s`, at most `300s`.
   */
  proofLifetime: string;
  /**
   * Whether proofs must hold a nonce that the sidecar gave out (RFC 9449 section 9). With it a proof is
   * valid at one replica only, also after a restart; each replica costs a client one more request.
   */
  nonces: 'Off' | 'Required';
}

/**
 * Tokens that are bound to the client's TLS certificate (RFC 8705 section 3). Clients must reach port
 * 8001 without a proxy that ends TLS. Which authority issued the certificate does not matter: the
 * token names it.
 */
export interface ClientCertificates {
  /**
   * `Accept` asks for a certificate in the handshake and verifies that bound tokens name it; `Require`
   * refuses others. `Off` refuses bound tokens. Applies to new connections at once.
   */
  mode: 'Off' | 'Accept' | 'Require';
}

/** One claim and its header. */
export interface ClaimToHeader {
  /** The claim's name, such as `sub`. */
  claim: string;
  /** The header's name, such as `X-Mcp-Subject`. */
  header: string;
}

/**
 * Asserts the principal to the server in a JWT that the sidecar signs, valid for at most 60 seconds:
 * `sub`, `idp` (the token's issuer), `client_id`, `iss` (the resource identifier) and `aud` (the
 * server's URL). The public key is at port 9001, `/jwks`. Unlike a plain header it is also proof to
 * what the server calls. Off by default.
 */
export interface IdentityAssertion {
  /** The header that carries it. The same header from clients is removed. */
  header: string;
  /**
   * A private key in PEM form without a passphrase, in a Secret in the same namespace: EC on P-256,
   * P-384 or P-521, Ed25519, or RSA of 2048 bits or more. Changes are picked up without a restart.
   */
  secretRef: SigningKeyRef;
}

/**
 * Answers invalid tokens with 429 when too many come from one source address (one /64 of IPv6). Beyond
 * the limit, tokens of a connection that has sent an invalid one are not looked at, unless they are
 * known to be valid; others still pass. Requests without a token do not count. Behind a load balancer
 * that hides addresses all clients are one. Off by default.
 */
export interface FailureLimit {
  /** Bad tokens a minute, and at once. */
  perMinute: number;
}

/** What a valid token is allowed to do. */
export interface Authorization {
  /**
   * Scopes that every token must have. Named in the challenge, so that clients know what to ask for (RFC
   * 6750 section 3). Any valid token will do when empty.
   */
  requiredScopes: string[];
  /**
   * Scopes that stand for others as well, such as `mcp:admin` for `mcp:write`. A token with the scope
   * passes where one of those that it includes is needed; what is included may include more.
   */
  scopeHierarchy: ScopeInclusion[];
  /**
   * Which scopes the challenge names when a token lacks one. `Operation`: all that the operation needs.
   * `IncludeGranted`: also those that the token has and this resource knows, for clients of MCP
   * 2025-11-25, whose next token may hold only what the challenge names.
   */
  stepUpScopes: 'Operation' | 'IncludeGranted';
  /**
   * What the challenge to a client without a valid token names. `Baseline`: `requiredScopes`, or
   * `scopesSupported` when there are none. `All`: every scope that this resource names, for clients that
   * cannot ask for more later.
   */
  initialScopes: 'Baseline' | 'All';
}

/** One scope and those that it includes. */
export interface ScopeInclusion {
  /** The scope that includes others. */
  scope: string;
  /** The scopes that it stands for. */
  includes: string[];
}

/** What older clients need, and newer ones do not. */
export interface Compatibility {
  /**
   * Answers `/.well-known/oauth-authorization-server` with a copy of the first issuer's metadata, byte
   * for byte. Clients of MCP 2025-03-26 look for it here; newer ones find the issuer in the metadata and
   * do not ask.
   */
  mirrorAuthorizationServerMetadata: boolean;
}

/**
 * The certificate of port 8001. By default the operator's own authority issues it and renews it in
 * time, for the names of the server's Service, `localhost`, and hosts that the platform allows to the
 * namespace (`tls.hosts` of the operator's chart). Changes are picked up without dropping a
 * connection.
 */
export interface Tls {
  /**
   * Your own certificate: a Secret of type `kubernetes.io/tls` in the same namespace, with `tls.crt` and
   * `tls.key`.
   */
  secretName?: string;
  /** The cert-manager issuer that issues the certificate. */
  issuerRef?: IssuerRef;
}

/** The cert-manager issuer that issues the certificate. */
export interface IssuerRef {
  /** The kind of the issuer. */
  kind: 'Issuer' | 'ClusterIssuer';
  /** The issuer's name. */
  name: string;
}

/** What is required of messages, sessions and streams before they reach the server. */
export interface Transport {
  /**
   * The size of the largest message that clients may send, in bytes; a larger one is answered with 413.
   * A message is held in memory until it is validated. Responses of the server have no limit.
   */
  maxMessageBytes: number;
  /**
   * `Enforced` lets only JSON-RPC messages through that have exactly one meaning and agree with their
   * MCP header fields, byte for byte as they were validated. `Off` streams request bodies to the server
   * unread, of any size and type: for servers that are not strictly MCP. It is weaker: nothing is known
   * of what is called, malformed messages reach the server, and a modern listening stream ends without
   * its result. Sessions stay bound to who began them.
   */
  messageChecks: 'Enforced' | 'Off';
  /**
   * What happens to an `Mcp-Session-Id` that this sidecar did not see begin, such as after a restart or
   * when another replica began it. `NotFound` answers 404, and clients begin a new session.
   * `TrustOnFirstUse` gives the session to the first principal who names it: only for servers whose
   * session ids cannot be guessed.
   */
  unknownSessions: 'NotFound' | 'TrustOnFirstUse';
  /**
   * How long an event stream may be silent before the sidecar sends a comment, which clients ignore and
   * which keeps load balancers from cutting the stream. `0s` sends none.
   */
  eventStreamKeepAlive: string;
  /**
   * How long a call that is under way may go on after its token has expired; then it is cut. Listening
   * streams end when the token does.
   */
  callGrace: string;
  /**
   * How long a listening stream may go on, whatever its token allows; then it is ended cleanly, and
   * clients open a new one. Up to a tenth earlier, at random, so that not all come back at once.
   */
  maxStream: string;
}

/** Who may connect. */
export interface Network {
  /**
   * Origins of browser clients, such as `http://localhost:6274` of the MCP Inspector. They pass the
   * Origin check and get CORS headers; requests with any other Origin are refused. Clients that are no
   * browsers send none and are not affected.
   */
  allowedOrigins: string[];
  /**
   * How other pods are kept from the server's own port. `NetworkPolicy` admits only the sidecar's port
   * 8001, and to its admin port 9001 only the operator and those that its chart names; `None` makes no
   * policy. The condition `Isolated` says whether it works.
   */
  isolation: 'NetworkPolicy' | 'None';
  /** Peers that may connect to port 8001, as in a NetworkPolicy. Anyone when empty. */
  ingressFrom: Peer[];
}

/** One kind of peer: a range of addresses, or pods selected by their labels and their namespace's. */
export interface Peer {
  /** A range of addresses. */
  ipBlock?: IpBlock;
  /** Namespaces, by label. All when empty; this namespace when absent. */
  namespaceSelector?: LabelSelector;
  /** Pods, by label. All when empty or absent. */
  podSelector?: LabelSelector;
}

/** A range of addresses. */
export interface IpBlock {
  /** The range, such as `192.0.2.0/24` or `2001:db8::/64`. */
  cidr: string;
  /** Ranges inside `cidr` that are not meant. */
  except?: string[];
}

export interface LabelSelector {
  /** Labels that must be equal. */
  matchLabels?: {
    /** The label's value. */
    [k: string]: string;
  };
  /** Conditions that must all hold. */
  matchExpressions?: LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
  /** The label's key. */
  key: string;
  /** How the label is compared. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Values for In and NotIn. */
  values?: string[];
}

/** The Service in front of port 8001. It has the resource's name. */
export interface Service {
  /** How the Service is reached. The operator's chart says which are allowed. */
  type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /**
   * Annotations added to the Service, such as those of a cloud's load balancer. The operator's chart
   * says which are allowed.
   */
  annotations?: {
    /** The annotation's value. */
    [k: string]: string;
  };
}

/** The container that checks tokens. */
export interface Sidecar {
  /** Another image than the one that the operator was installed with. Empty means that one. */
  image?: string;
  /** CPU and memory of the sidecar's container, as in a Pod. */
  resources?: Resources;
  /** The least severe messages that the sidecar logs. Tokens are never logged. */
  logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** What is observed. Written by the operator. */
export interface Status {
  /** The `metadata.generation` that this status describes. */
  observedGeneration?: number;
  /** Where clients reach the server. */
  address?: Address;
  /** Number of pods that exist. */
  replicas?: number;
  /** Number of pods that take requests. */
  readyReplicas?: number;
  /** The label selector of the pods, for autoscalers. */
  selector?: string;
  /**
   * The Deployment as the operator has left it. After an upgrade of the operator it stays so until the
   * server's turn for the newest version has come.
   */
  applied?: Applied;
  /**
   * `Accepted`, `CertificateReady`, `KeysAvailable`, `ConfigurationCurrent`, `Isolated`, `Progressing`,
   * `Available`, and `Ready`, which is for the generation in its `observedGeneration` alone; `Paused`
   * while an annotation makes the operator leave the server alone; `Contested` while another
   * installation of the operator watches the namespace.
   */
  conditions?: Condition[];
}

/** Where clients reach the server. */
export interface Address {
  /** The URL that clients type, equal to the published `resource`. */
  url?: string;
}

/**
 * The Deployment as the operator has left it. After an upgrade of the operator it stays so until the
 * server's turn for the newest version has come.
 */
export interface Applied {
  /** The `metadata.generation` that it was made from. */
  generation: number;
  /** The sidecar that the operator gave, unless `spec.sidecar.image` names one. */
  sidecarImage: string;
  /**
   * A digest of what the operator itself gives to pods, the sidecar's image among it. Servers with the
   * same one have the same version.
   */
  revision: string;
  /** A digest of the Deployment's `spec`. Tells whether others have changed it since. */
  digest: string;
  /** How the version before this `revision` was when it was replaced. */
  replaced: 'Ready' | 'Unready' | 'Nothing';
}

/** One aspect of the state. */
export interface Condition {
  /** The aspect. */
  type: string;
  /** Whether it holds. */
  status: 'True' | 'False' | 'Unknown';
  /** The `metadata.generation` that this condition describes. */
  observedGeneration?: number;
  /** When `status` last changed. */
  lastTransitionTime: string;
  /** Why, in one CamelCase word. Stable. */
  reason: string;
  /** Why, for people, with the next step. */
  message: string;
}

/** Standard object metadata: the fields that this project reads or writes. */
export interface ObjectMeta {
  /** The name, unique in the namespace. */
  name: string;
  /** The namespace. */
  namespace?: string;
  /** Set by the API server. Absent in local mode. */
  uid?: string;
  /** Set by the API server; opaque. */
  resourceVersion?: string;
  /** Counts changes of the spec. Set by the API server. */
  generation?: number;
  /** Set by the API server. */
  creationTimestamp?: string;
  /** Set by the API server when the object is being deleted. */
  deletionTimestamp?: string;
  /** Labels. */
  labels?: {
    [k: string]: string;
  };
  /** Annotations. */
  annotations?: {
    [k: string]: string;
  };
  /** What must run before deletion. */
  finalizers?: string[];
  /** With whom the object is deleted. */
  ownerReferences?: OwnerReference[];
}

/** An object in the same namespace that this one is deleted with. */
export interface OwnerReference {
  /** The owner's API version. */
  apiVersion: string;
  /** The owner's kind. */
  kind: string;
  /** The owner's name. */
  name: string;
  /** The owner's uid. */
  uid: string;
  /** Whether the owner manages the object. */
  controller?: boolean;
  /** Whether foreground deletion of the owner waits. */
  blockOwnerDeletion?: boolean;
}
