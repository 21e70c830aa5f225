// The login step of an authorization request: shows the form, checks the password. What is granted is decided elsewhere.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Logger } from '../../base/log.ts';
import { errorPage, loginPage, PAGE_HEADERS } from './login-page.ts';
import { findByPassword, subject, type RealmUser } from './realm-user.ts';

const MAX_FORM_BYTES = 16 * 1024;

interface LoginRealm {
  realm: string;
  provider: Provider;
  users: readonly RealmUser[];
  logger: Logger | undefined;
}

export async function handleLogin(
  realm: LoginRealm,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  try {
    await respond(realm, req, res);
  } catch {
    // No such interaction, or its cookie is missing: a page that was left open, or a link that was copied.
    sendPage(res, 400, errorPage('This login has expired. Go back to the application and start again.'));
  }
}

async function respond(
  { realm, provider, users, logger }: LoginRealm,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { params } = await provider.interactionDetails(req, res);
  const client = await provider.Client.find(String(params['client_id']));
  const form = {
    realm,
    client: client?.clientName ?? client?.clientId ?? 'An application',
    action: req.url ?? '',
  };
  if (req.method !== 'POST') return sendPage(res, 200, loginPage(form));

  const { username, password } = await readForm(req);
  const user = findByPassword(users, username, password);
  if (user) return provider.interactionFinished(req, res, { login: { accountId: subject(user) } });
  // Neither the name nor the password: people type the one into the field of the other.
  logger?.warn('login failed');
  sendPage(res, 200, loginPage({ ...form, username, error: 'Invalid username or password.' }));
}

async function readForm(req: IncomingMessage): Promise<{ username: string; password: string }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FORM_BYTES) throw new RangeError('form too large');
    chunks.push(chunk);
  }
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
  return { username: form.get('username') ?? '', password: form.get('password') ?? '' };
}

function sendPage(res: ServerResponse, status: number, html: string): void {
  if (res.headersSent) return;
  res.writeHead(status, PAGE_HEADERS).end(html);
}
