// An authorization server's keys and nothing else: a recording JWKS endpoint on a real socket, and tokens of any shape.
import { generateKeyPair, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { TestCertificate } from './certificate.ts';

/** A signing key pair and the JWK that is published for it. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: JsonWebKey;
}

const generate = promisify(generateKeyPair);

export async function signingKey(
  kid: string,
  alg: 'RS256' | 'ES256' = 'RS256',
  bits = 2048,
): Promise<SigningKey> {
  const pair =
    alg === 'RS256' ? generate('rsa', { modulusLength: bits }) : generate('ec', { namedCurve: 'P-256' });
  const { privateKey, publicKey } = await pair;
  return {
    kid,
    alg,
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
  };
}

/** What an issuer signs with: `k1` for RS256, `e1` for ES256. */
export function signingKeys(): Promise<SigningKey[]> {
  return Promise.all([signingKey('k1'), signingKey('e1', 'ES256')]);
}

export interface TokenChanges {
  /** Claims to add or replace; a value of `undefined` removes the claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Header members to add or replace; a value of `undefined` removes the member. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: SigningKey;
  /** Change the text of header or claims before it is signed: what no object can express, such as a member twice. */
  readonly headerText?: (json: string) => string | Uint8Array;
  readonly claimsText?: (json: string) => string | Uint8Array;
}

/** A scripted issuer. Change `keys`, `extraJwks`, `status` or `up` at any time; the next fetch sees it. */
export class TestIssuer {
  readonly #server: Server;
  /** What the JWKS endpoint publishes. */
  keys: SigningKey[] = [];
  /** Published besides `keys`, as they are: the odd members of real sets. */
  extraJwks: unknown[] = [];
  /** Whether it answers at all: while it is down, connections are cut. */
  up = true;
  /** What the JWKS endpoint answers with; anything but 200 is an outage. */
  status = 200;
  /** The issuer that the metadata names, where it is not the right one. */
  namesItself: string | undefined;
  /** While set, requests wait for `release`. */
  hang = false;
  readonly #waiting: (() => void)[] = [];
  /** How often the keys were fetched. */
  fetches = 0;
  /** How often anything was asked for, also while it was down. */
  requests = 0;
  /** What was asked for, in order: method and path, and the fields that came with it. */
  readonly record: { readonly target: string; readonly headers: IncomingMessage['headers'] }[] = [];
  /** Answers a request in place of the issuer if it returns true: what no well-behaved issuer would say. */
  intercept: (req: IncomingMessage, res: ServerResponse) => boolean = () => false;
  readonly #host: string;
  #port = 0;

  private constructor(certificate: TestCertificate, host: string) {
    this.#host = host;
    this.#server = createServer({ cert: certificate.cert, key: certificate.key }, (req, res) => {
      this.requests++;
      this.record.push({ target: `${req.method} ${req.url}`, headers: req.headers });
      if (!this.up) req.socket.destroy();
      else if (this.intercept(req, res)) return;
      else if (this.hang) this.#waiting.push(() => this.#answer(req.url, res));
      else this.#answer(req.url, res);
    });
  }

  #answer(url: string | undefined, res: ServerResponse): void {
    res.setHeader('Content-Type', 'application/json');
    if (url === '/realms/my-realm/.well-known/openid-configuration') {
      res.end(this.metadataText);
    } else if (url === JWKS_PATH) {
      this.fetches++;
      res.statusCode = this.status;
      res.end(JSON.stringify({ keys: [...this.extraJwks, ...this.keys.map(({ jwk }) => jwk)] }));
    } else {
      res.statusCode = 404;
      res.end('{}');
    }
  }

  /** Requests that wait. */
  get hanging(): number {
    return this.#waiting.length;
  }

  /** Answers what waits. */
  release(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }

  /**
   * Starts an issuer with one RS256 key, `k1`, and one ES256 key, `e1`.
   * @param host where it listens and is found
   * @param keys such a pair, made before: RSA takes its time
   */
  static async start(
    certificate: TestCertificate,
    host = 'localhost',
    keys?: readonly SigningKey[],
  ): Promise<TestIssuer> {
    const issuer = new TestIssuer(certificate, host);
    issuer.keys = [...(keys ?? (await signingKeys()))];
    await new Promise<void>((resolve) => issuer.#server.listen(0, host, resolve));
    issuer.#port = (issuer.#server.address() as AddressInfo).port;
    return issuer;
  }

  get issuer(): string {
    return `https://${this.#host}:${this.#port}/realms/my-realm`;
  }

  /** The metadata document, byte for byte. */
  get metadataText(): string {
    return `${JSON.stringify({ issuer: this.namesItself ?? this.issuer, jwks_uri: this.jwksUri }, undefined, 1)}\n`;
  }

  get jwksUri(): string {
    return `https://${this.#host}:${this.#port}${JWKS_PATH}`;
  }

  /** From here on connections are refused. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A token that is good in every respect, with the changes that a case names. */
  token(changes: TokenChanges = {}): string {
    const key = changes.key ?? this.keys[0];
    if (key === undefined) throw new Error('the issuer has no key to sign with');
    return accessToken({ issuer: this.issuer, key, now: Math.floor(Date.now() / 1000) }, changes);
  }
}

interface TokenBasis {
  readonly issuer: string;
  readonly key: SigningKey;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** A token for `AUDIENCE` that is good in every respect, with the changes that a case names. */
export function accessToken({ issuer, key, now }: TokenBasis, changes: TokenChanges = {}): string {
  const claims = {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'alice',
    azp: 'mcp-client',
    scope: 'mcp:basic',
    iat: now,
    exp: now + 300,
    jti: crypto.randomUUID(),
    ...changes.claims,
  };
  const header = { alg: key.alg, typ: 'JWT', kid: key.kid, ...changes.header };
  const { headerText = String, claimsText = String } = changes;
  return signCompact(headerText(JSON.stringify(header)), claimsText(JSON.stringify(claims)), key);
}

export const AUDIENCE = 'echo-mcp-server';
const JWKS_PATH = '/realms/my-realm/protocol/openid-connect/certs';

/** Signs any bytes as a compact JWS: jose would refuse to make most of what a verifier must refuse. */
export function signCompact(
  header: string | Uint8Array,
  payload: string | Uint8Array,
  key: SigningKey,
): string {
  const input = `${base64Url(header)}.${base64Url(payload)}`;
  const signature = sign(`sha${key.alg.slice(2)}`, Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${input}.${base64Url(signature)}`;
}

export function base64Url(data: string | Uint8Array): string {
  return Buffer.from(data as string).toString('base64url'); // the overloads of Buffer.from do not take the union
}
