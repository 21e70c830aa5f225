// What well-known authorization servers put into their tokens: shapes as recorded, values and keys made up.

export interface ProviderToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Seconds since the epoch, for which the tokens are made. */
export const NOW = 1_800_000_000;
const TIMES = { iat: NOW - 10, exp: NOW + 290 };
const TENANT = '5c9c1c1e-0f1a-4b7e-9f0e-7f3b6d0f2a11';

export const KEYCLOAK = 'https://keycloak.example.com/realms/my-realm';
export const ENTRA_V1 = `https://sts.windows.net/${TENANT}/`;
export const ENTRA_V2 = `https://login.microsoftonline.com/${TENANT}/v2.0`;
export const AUTH0 = 'https://example.eu.auth0.com/';
export const OKTA = 'https://example.okta.com/oauth2/default';

/** The audiences that the tokens below are for. */
export const AUDIENCES = {
  keycloak: 'echo-mcp-server',
  entraV1: 'api://0e1c9c0f-2f1d-4d0c-8a44-0d5b4b5f9a01',
  entraV2: '0e1c9c0f-2f1d-4d0c-8a44-0d5b4b5f9a01',
  auth0: 'https://mcp.example.test/mcp',
  okta: 'api://mcp',
} as const;

/** Keycloak 26, authorization code, audience mapper in a client scope. */
export const keycloak: ProviderToken = {
  header: { alg: 'RS256', typ: 'JWT', kid: 'k1' },
  claims: {
    ...TIMES,
    auth_time: NOW - 60,
    jti: 'onrtac:5b8b2f0e-3b0a-4f6f-8d8e-27b7c1d2a001',
    iss: KEYCLOAK,
    aud: [AUDIENCES.keycloak, 'account'],
    sub: 'f1e7a1f0-8a0e-4b2c-9f7d-6d1e6a1c0b01',
    typ: 'Bearer',
    azp: 'mcp-client',
    sid: 'a3c1a8d2-5b0c-4c8f-9a2d-0e4f6b8c1d01',
    acr: '1',
    'allowed-origins': ['http://localhost:6274'],
    realm_access: { roles: ['default-roles-my-realm', 'offline_access'] },
    resource_access: { account: { roles: ['manage-account'] } },
    scope: 'openid mcp:basic profile email',
    email_verified: true,
    name: 'Eitan Test',
    preferred_username: 'eitan',
  },
};

/** The audience mapper was added to the ID token as well. */
export const keycloakIdToken: ProviderToken = {
  header: keycloak.header,
  claims: {
    ...TIMES,
    auth_time: NOW - 60,
    jti: '2f3c7e0d-8f0a-4f7b-8b0b-5e0f0b9e0c01',
    iss: KEYCLOAK,
    aud: ['mcp-client', AUDIENCES.keycloak],
    sub: 'f1e7a1f0-8a0e-4b2c-9f7d-6d1e6a1c0b01',
    typ: 'ID',
    azp: 'mcp-client',
    nonce: 'n-0S6_WzA2Mj',
    sid: 'a3c1a8d2-5b0c-4c8f-9a2d-0e4f6b8c1d01',
    at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng',
    acr: '1',
  },
};

/** Microsoft Entra ID, the application asks for version 1 tokens (the default of an API). */
export const entraV1: ProviderToken = {
  header: { typ: 'JWT', alg: 'RS256', x5t: 'q-23falevZhhD3hm9CQbkP5MQyU', kid: 'k1' },
  claims: {
    aud: AUDIENCES.entraV1,
    iss: ENTRA_V1,
    ...TIMES,
    nbf: NOW - 10,
    acr: '1',
    aio: 'AXQAi/8TAAAA',
    amr: ['pwd', 'mfa'],
    appid: 'c7c4b2f1-1d2e-4f3a-8b4c-5d6e7f809101',
    appidacr: '0',
    ipaddr: '192.0.2.7',
    name: 'Alice Example',
    oid: '9a1b2c3d-0e0f-4a5b-8c7d-9e0f1a2b3c01',
    rh: '0.AXEA',
    scp: 'mcp.basic',
    sub: 'l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA',
    tid: TENANT,
    unique_name: 'alice@example.com',
    upn: 'alice@example.com',
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '1.0',
  },
};

export const entraV2: ProviderToken = {
  header: { typ: 'JWT', alg: 'RS256', kid: 'k1' },
  claims: {
    aud: AUDIENCES.entraV2,
    iss: ENTRA_V2,
    ...TIMES,
    nbf: NOW - 10,
    aio: 'AXQAi/8TAAAA',
    azp: 'c7c4b2f1-1d2e-4f3a-8b4c-5d6e7f809101',
    azpacr: '0',
    name: 'Alice Example',
    oid: '9a1b2c3d-0e0f-4a5b-8c7d-9e0f1a2b3c01',
    preferred_username: 'alice@example.com',
    rh: '0.AXEA',
    scp: 'mcp.basic mcp.write',
    sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
    tid: TENANT,
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '2.0',
  },
};

/** Client and API are one registration, so that the audience is ours. */
export const entraIdToken: ProviderToken = {
  header: entraV2.header,
  claims: {
    aud: AUDIENCES.entraV2,
    iss: ENTRA_V2,
    ...TIMES,
    nbf: NOW - 10,
    name: 'Alice Example',
    oid: '9a1b2c3d-0e0f-4a5b-8c7d-9e0f1a2b3c01',
    preferred_username: 'alice@example.com',
    rh: '0.AXEA',
    sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
    tid: TENANT,
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '2.0',
  },
};

/** An application for itself, without a user: roles, and no scopes. */
export const entraApplication: ProviderToken = {
  header: entraV2.header,
  claims: {
    aud: AUDIENCES.entraV2,
    iss: ENTRA_V2,
    ...TIMES,
    nbf: NOW - 10,
    azp: 'c7c4b2f1-1d2e-4f3a-8b4c-5d6e7f809101',
    azpacr: '1',
    idtyp: 'app',
    oid: '1a1b2c3d-0e0f-4a5b-8c7d-9e0f1a2b3c01',
    roles: ['mcp.basic'],
    sub: '1a1b2c3d-0e0f-4a5b-8c7d-9e0f1a2b3c01',
    tid: TENANT,
    ver: '2.0',
  },
};

/** Auth0, an API with the default profile; `openid` brings the second audience. */
export const auth0: ProviderToken = {
  header: { alg: 'RS256', typ: 'JWT', kid: 'k1' },
  claims: {
    iss: AUTH0,
    sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
    aud: [AUDIENCES.auth0, `${AUTH0}userinfo`],
    ...TIMES,
    azp: 'my_client_id',
    scope: 'openid profile mcp:basic',
    permissions: ['mcp:basic'],
  },
};

/** Auth0, an API with the RFC 9068 profile. */
export const auth0Rfc9068: ProviderToken = {
  header: { alg: 'RS256', typ: 'at+jwt', kid: 'k1' },
  claims: {
    iss: AUTH0,
    sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
    aud: AUDIENCES.auth0,
    ...TIMES,
    jti: '1CqCZ2TOXoRnRbCxQ3E0Yq',
    client_id: 'my_client_id',
    scope: 'mcp:basic',
  },
};

/** Okta, a custom authorization server. */
export const okta: ProviderToken = {
  header: { kid: 'k1', alg: 'RS256' },
  claims: {
    ver: 1,
    jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
    iss: OKTA,
    aud: AUDIENCES.okta,
    ...TIMES,
    cid: '0oa2hl2inow5UqK0r0h8',
    uid: '00ugrenMeqvYla4HW0g3',
    scp: ['openid', 'mcp:basic'],
    auth_time: NOW - 60,
    sub: 'alice@example.com',
  },
};

export const oktaIdToken: ProviderToken = {
  header: okta.header,
  claims: {
    sub: '00ugrenMeqvYla4HW0g3',
    name: 'Alice Example',
    ver: 1,
    iss: OKTA,
    aud: '0oa2hl2inow5UqK0r0h8',
    ...TIMES,
    jti: 'ID.jUy9vPdkxUS8cKZxO6sfQSk5bT0',
    amr: ['pwd'],
    idp: '00o2hl2inbNsmLDLm0h8',
    auth_time: NOW - 60,
    at_hash: 'zYrtQC2yDo5oRQk1sNV0Fg',
  },
};
