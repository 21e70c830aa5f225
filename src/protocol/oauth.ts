// Names and forms of OAuth that several programs spell: well-known paths and the syntax of a scope.

/** RFC 9728 section 3: goes between host and path of the resource. */
export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource';
/** RFC 8414 section 3.1: goes between host and path of the issuer. */
export const AUTHORIZATION_SERVER_METADATA_PATH = '/.well-known/oauth-authorization-server';
/** OpenID Connect Discovery section 4: is appended to the issuer. */
export const OPENID_CONFIGURATION_PATH = '/.well-known/openid-configuration';

/** RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). */
export const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;
