// A person at Keycloak's pages: name and password, and then yes to what a client that registered itself asks for.
import assert from 'node:assert/strict';
import { httpClient } from '../../src/local/login/http-client.ts';
import type { Keycloak } from './server.ts';

const MAX_PAGES = 10;

export interface Visit {
  /** Where the login ended: the redirect URI with its parameters. Nothing is opened there. */
  readonly callback: URL;
  /** What was asked for besides the password. */
  readonly consents: readonly string[];
}

/** Goes through the pages as a browser would, with a fresh one each time. */
export async function logInAndConsent(
  keycloak: Keycloak,
  authorizationUrl: URL,
  { username = 'eitan', password = 'test' } = {},
): Promise<Visit> {
  const redirectUri = authorizationUrl.searchParams.get('redirect_uri') ?? '';
  const cookies = new Map<string, string>();
  const consents: string[] = [];
  let url = authorizationUrl;
  let form: URLSearchParams | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await visit(keycloak, { url, form, cookies });
    form = undefined;
    const { location } = answer;
    if (location !== null) {
      url = new URL(location, url);
      if (url.href.startsWith(redirectUri)) return { callback: url, consents };
      continue;
    }
    const { action, fields } = readForm(answer.body);
    if (fields.includes('password')) form = new URLSearchParams({ username, password });
    else {
      assert.ok(fields.includes('accept'), answer.body);
      consents.push(...grants(answer.body));
      form = new URLSearchParams({ accept: 'Yes' });
    }
    url = new URL(action, url);
  }
  throw new Error(`the login does not end: ${url.href}`);
}

async function visit(
  { ca }: Keycloak,
  { url, form, cookies }: { url: URL; form: URLSearchParams | undefined; cookies: Map<string, string> },
): Promise<{ location: string | null; body: string }> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = { accept: 'text/html', cookie };
  const response = await httpClient(ca)(url, { method: form ? 'POST' : 'GET', headers, body: form });
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    cookies.set(name, value);
  }
  return { location: response.headers.get('location'), body: response.body };
}

function readForm(html: string): { action: string; fields: string[] } {
  const [, tag = '', content = ''] = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html) ?? [];
  const action = /\baction="([^"]*)"/.exec(tag)?.[1] ?? '';
  assert.notEqual(action, '', `a page without a form: ${html.replace(/<[^>]*>|\s+/g, ' ').slice(0, 500)}`);
  const fields = [...content.matchAll(/\bname="([^"]*)"/g)].map(([, name = '']) => name);
  return { action: action.replaceAll('&amp;', '&'), fields };
}

/** The lines of the consent page. */
function grants(html: string): string[] {
  return [...html.matchAll(/<li\b[^>]*>([\s\S]*?)<\/li>/g)]
    .map(([, text = '']) =>
      text
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((text) => text !== '');
}
