// Values of `typ` in the header of a JWT: those of an access token (RFC 9068 section 4), and others.

export const ACCESS_TOKEN_TYPES = ['at+jwt', 'application/at+jwt', 'AT+JWT', 'Application/at+JWT'];

/** Of other JWTs, near misses, and what is no type at all. */
export const OTHER_TYPES = [
  'dpop+jwt',
  'logout+jwt',
  'secevent+jwt',
  'token-introspection+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt',
  'rt+jwt',
  'JOSE',
  'application/jwt+at',
  'at+jwt2',
  '',
  1,
  null,
  ['at+jwt'],
];
