// The introspection endpoint (RFC 7662) of an issuer under control: opaque tokens and what is said of them.
import type { IncomingMessage } from 'node:http';
import type { TestIssuer } from '../../kit/issuer.ts';

export const INTROSPECTION_CLIENT = { clientId: 'mcp-resource', clientSecret: 'resource-secret' };

const PATH = '/realms/my-realm/protocol/openid-connect/token/introspect';

export function introspectionEndpoint({ issuer }: TestIssuer): string {
  return new URL(PATH, issuer).href;
}

export interface Introspected {
  readonly token: string | null;
  readonly authorization: string | undefined;
}

/** Answers introspection from now on. @returns what was asked, growing */
export function answerIntrospection(
  issuer: TestIssuer,
  answer: (token: string) => { readonly status?: number; readonly body: unknown },
): Introspected[] {
  const asked: Introspected[] = [];
  issuer.intercept = (req, res) => {
    if (req.url !== PATH) return false;
    void readBody(req).then((body) => {
      const token = new URLSearchParams(body).get('token');
      asked.push({ token, authorization: req.headers.authorization });
      const { status = 200, body: result } = answer(token ?? '');
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(result));
    });
    return true;
  };
  return asked;
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
