// A scripted introspection endpoint (RFC 7662) at a test issuer: says of each token what a test wants, and records who asked.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AUDIENCE, type TestIssuer } from './issuer.ts';

const PATH = '/realms/my-realm/introspect';

/** Where it is, whether or not anything answers there yet. */
export function introspectionEndpoint({ issuer }: TestIssuer): string {
  return new URL(PATH, issuer).href;
}

interface Question {
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

  #held: (() => void)[] | undefined;

  constructor(issuer: TestIssuer) {
    this.#issuer = issuer;
    issuer.intercept = (req, res) => this.#serve(req, res);
  }

  get url(): string {
    return introspectionEndpoint(this.#issuer);
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
      const say = () => void (answer !== undefined && res.end(answer));
      if (this.#held === undefined) say();
      else this.#held.push(say);
    });
    return true;
  }

  /** Answers wait from here on. @returns a function that lets them go */
  hold(): () => void {
    const held: (() => void)[] = [];
    this.#held = held;
    return () => {
      this.#held = undefined;
      for (const say of held) say();
    };
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
