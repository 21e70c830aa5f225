// What all targets share: certificate, issuer with its tokens, files in a temporary directory, the server behind.
import { randomUUID, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SidecarConfig } from '../src/sidecar/config/config.ts';
import { selfSigned } from '../test/kit/certificate.ts';
import { AUDIENCE, TestIssuer } from '../test/kit/issuer.ts';
import { Child } from './child.ts';
import type { Cores } from './cores.ts';
import { ROUND_ROBIN_TOKENS, USERS_WITH_NEW_TOKENS } from './scenarios.ts';

const signAsync = promisify(sign);

const UPSTREAM = new URL('./upstream.ts', import.meta.url).pathname;
const TOKEN_LIFETIME_SECONDS = 4 * 3600;
/** Tokens signed at the same time. */
const MINTING = 64;

export interface Arena {
  readonly cores: Cores;
  readonly issuer: TestIssuer;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly tokenFile: string;
  readonly configFile: string;
  /** The same without what another checkout may not know. */
  readonly otherConfigFile: string;
  /** Length of a token (bytes). */
  readonly tokenBytes: number;
  readonly upstreamPort: number;
  close(): Promise<void>;
}

/** @param tokenCount how many tokens are signed for the pool */
export async function openArena(cores: Cores, tokenCount: number): Promise<Arena> {
  const directory = await mkdtemp(join(tmpdir(), 'protected-mcp-bench-'));
  const file = (name: string) => join(directory, name);
  const certificate = await selfSigned();
  const issuer = await TestIssuer.start(certificate);
  const upstream = Child.node(UPSTREAM, [], { name: 'the server', place: 'rest', cores });
  const upstreamPort = await upstream.listening();
  const tokens = await mint(issuer, tokenCount);

  const arena = {
    cores,
    issuer,
    certificateFile: file('tls.crt'),
    keyFile: file('tls.key'),
    tokenFile: file('tokens'),
    configFile: file('config.json'),
    otherConfigFile: file('other-config.json'),
    tokenBytes: tokens[0]?.length ?? 0,
    upstreamPort,
    close: async () => {
      await Promise.all([upstream.end(), issuer.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
  const write = (name: string, content: string) => writeFile(name, content, { mode: 0o600 });
  await write(arena.certificateFile, certificate.cert);
  await write(arena.keyFile, certificate.key);
  await write(arena.tokenFile, tokens.join('\n'));
  const config = sidecarConfig(arena);
  // The open streams of the memory measurement are one principal's, which has half of the places.
  await write(
    arena.configFile,
    JSON.stringify({ ...config, upstream: { ...config.upstream, maxRequests: 16_384 } }),
  );
  await write(arena.otherConfigFile, JSON.stringify(config));
  return arena;
}

/** The first tokens are of a user each; those never seen before are new ones of a few. */
function subjectOf(index: number): number {
  return index < ROUND_ROBIN_TOKENS ? index : index % USERS_WITH_NEW_TOKENS;
}

/** Signs on all cores at once, which the helper of the tests does not. */
async function mint({ issuer, keys: [key] }: TestIssuer, count: number): Promise<string[]> {
  if (key === undefined) throw new Error('the issuer has no key');
  const iat = Math.floor(Date.now() / 1000);
  const times = { iat, exp: iat + TOKEN_LIFETIME_SECONDS };
  const header = { alg: key.alg, typ: 'JWT', kid: key.kid };
  const { privateKey } = key;
  const mintOne = async (index: number) => {
    const claims = {
      iss: issuer,
      aud: AUDIENCE,
      sub: `user-${subjectOf(index)}`,
      azp: 'mcp-client',
      ...times,
    };
    const input = [header, { ...claims, jti: randomUUID(), ...KEYCLOAK_CLAIMS }].map(encode).join('.');
    return `${input}.${(await signAsync('sha256', Buffer.from(input), privateKey)).toString('base64url')}`;
  };
  const tokens: string[] = [];
  while (tokens.length < count) {
    const size = Math.min(MINTING, count - tokens.length);
    const batch = Array.from({ length: size }, (_, index) => mintOne(tokens.length + index));
    tokens.push(...(await Promise.all(batch)));
  }
  return tokens;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** What Keycloak puts into a token besides: brings it to the usual size. */
const KEYCLOAK_CLAIMS = {
  typ: 'Bearer',
  sid: 'f2a1c7b0-6f0e-4a52-9a1b-0d8f6f6f5a11',
  acr: '1',
  'allowed-origins': ['https://mcp-client.example.com'],
  realm_access: { roles: ['default-roles-my-realm', 'offline_access', 'uma_authorization'] },
  resource_access: { account: { roles: ['manage-account', 'manage-account-links', 'view-profile'] } },
  scope: 'mcp:basic profile email',
  email_verified: true,
  name: 'Alice Example',
  preferred_username: 'alice',
  email: 'alice@example.com',
};

/** Without what has a default: checkouts to compare with may not know it. */
type WrittenConfig = Omit<SidecarConfig, 'transport'> & {
  readonly transport: Omit<SidecarConfig['transport'], 'maxStreamSeconds'>;
};

/** The configuration that a small installation has: one issuer, one scope, one claim header, no debug log. */
function sidecarConfig({
  issuer,
  certificateFile,
  keyFile,
  upstreamPort,
}: Omit<Arena, 'close'>): WrittenConfig {
  return {
    resource: 'https://localhost:8001/mcp',
    publicHosts: [],
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    tls: { certificateFile, keyFile },
    upstream: { url: `http://127.0.0.1:${upstreamPort}/mcp` },
    metadata: { scopesSupported: ['mcp:basic'] },
    rootDocument: 'Alias',
    mirrorAuthorizationServerMetadata: false,
    initialScopes: 'Baseline',
    scopeHierarchy: [],
    stepUpScopes: 'Operation',
    dpop: { mode: 'Off', proofLifetimeSeconds: 60, nonces: 'Off' },
    clientCertificates: { mode: 'Off' },
    issuers: [
      {
        issuer: issuer.issuer,
        audiences: [AUDIENCE],
        audiencePolicy: 'Any',
        algorithms: ['RS256'],
        tokenProfile: 'Compat',
        jwks: { uri: issuer.jwksUri, caFile: certificateFile },
      },
    ],
    clockSkewSeconds: 5,
    claimToHeaders: [{ claim: 'sub', header: 'X-Mcp-Subject' }],
    forwardOriginalToken: false,
    requiredScopes: ['mcp:basic'],
    allowedOrigins: [],
    transport: {
      maxMessageBytes: 4_194_304,
      messageChecks: 'Enforced',
      unknownSessions: 'NotFound',
      eventStreamKeepAliveSeconds: 30,
      callGraceSeconds: 3600,
    },
    logLevel: 'info',
    drainSeconds: 1,
  };
}
