// A scripted introspection endpoint (RFC 7662) at a test issuer: says of each token what a test wants, and records who asked.
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { AUDIENCE, type TestIssuer } from '../kit/issuer.ts';

export const CLIENT_ID = 'mcp resource:server';
export const CLIENT_SECRET = 'p%+&ä secret';
const PATH = '/realms/my-realm/introspect';

export interface Question {
  readonly method: string | undefined;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly form: URLSearchParams;
}

export class IntrospectionEndpoint {
  readonly #issuer: TestIssuer;
  readonly questions: Question[] = [];
  /** Whether the issuer's metadata names the endpoint. */
  announced = true;
  /** Answers a question: text as it goes out, or `undefined` to leave it open. */
  answer: (token: string) => string | undefined = () => '{"active":false}';
  status = 200;

  constructor(issuer: TestIssuer) {
    this.#issuer = issuer;
    issuer.intercept = (req, res) => this.#serve(req, res);
  }

  get url(): string {
    return this.#issuer.issuer.replace(/\/realms\/.*/, PATH);
  }

  #serve(req: IncomingMessage, res: ServerResponse): boolean {
    res.setHeader('Content-Type', 'application/json');
    if (req.url?.endsWith('/.well-known/openid-configuration') === true && this.announced) {
      const { issuer, jwksUri } = this.#issuer;
      res.end(JSON.stringify({ issuer, jwks_uri: jwksUri, introspection_endpoint: this.url }));
      return true;
    }
    if (req.url !== PATH) return false;
    let body = '';
    req.setEncoding('utf8').on('data', (text: string) => (body += text));
    req.on('end', () => {
      const { authorization, 'content-type': contentType } = req.headers;
      const form = new URLSearchParams(body);
      this.questions.push({ method: req.method, authorization, contentType, form });
      const answer = this.answer(form.get('token') ?? '');
      res.statusCode = this.status;
      if (answer !== undefined) res.end(answer);
    });
    return true;
  }

  /** What an authorization server says of a good token, with the changes that a case names. */
  active(changes: Readonly<Record<string, unknown>> = {}): string {
    const now = Math.floor(Date.now() / 1000);
    return JSON.stringify({
      active: true,
      iss: this.#issuer.issuer,
      aud: AUDIENCE,
      sub: 'alice',
      client_id: 'mcp-client',
      scope: 'mcp:basic',
      token_type: 'Bearer',
      iat: now,
      exp: now + 300,
      ...changes,
    });
  }
}

/** The configuration with credentials for the first issuer, in files beside its certificate. */
export function withIntrospection(defaults: SidecarConfig, endpoint?: string): Partial<SidecarConfig> {
  const directory = dirname(defaults.tls.certificateFile);
  const [clientIdFile, clientSecretFile] = [`${directory}/client_id`, `${directory}/client_secret`];
  writeFileSync(clientIdFile, CLIENT_ID);
  writeFileSync(clientSecretFile, `${CLIENT_SECRET}\n`); // as editors and `kubectl create secret --from-file` leave it
  const introspection = { ...(endpoint !== undefined && { endpoint }), clientIdFile, clientSecretFile };
  return {
    issuers: defaults.issuers.map((issuer, index) => (index === 0 ? { ...issuer, introspection } : issuer)),
  };
}
