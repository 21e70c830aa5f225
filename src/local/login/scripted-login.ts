// Does what a person does in the browser: opens the authorization URL, fills in the login form, ends at the callback.
import { httpClient, type HttpClient } from './http-client.ts';
import { connectionError, LoginError } from './login-error.ts';

const MAX_HOPS = 10;

interface LoginOptions {
  user: string;
  password: string;
  /** PEM that the server's certificate must chain to, besides the system's authorities. */
  ca?: string | undefined;
}

/**
 * Logs in at an authorization URL and returns the callback URL, with the code or with the error that it carries.
 * The callback is not opened, so nothing needs to listen there. Knows the forms of Keycloak and of the embedded server.
 */
export async function logIn(
  authorizationUrl: string | URL,
  { user, password, ca }: LoginOptions,
): Promise<URL> {
  const send = httpClient(ca);
  const start = new URL(authorizationUrl);
  const { origin } = start;
  let url = start;
  const callback = callbackMatcher(start);
  const cookies = new Map<string, string>();
  let form: URLSearchParams | undefined;
  let sent = false;

  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const page = await open(url, { send, cookies, form });
    form = undefined;
    if (page.location !== undefined) {
      url = new URL(page.location, url);
      if (callback(url)) return url;
    } else {
      const login = readLoginForm(page.html);
      if (!login) throw unexpectedPage(page, start);
      if (sent) throw wrongPassword(user, page.html);
      url = new URL(login.action, url);
      form = new URLSearchParams({ ...login.hidden, username: user, password });
      sent = true;
    }
    // The password and the session cookies are for the authorization server and for no other that it points to.
    if (url.origin !== origin) {
      throw new LoginError(
        'ERR_UNEXPECTED_PAGE',
        `the login at ${origin} leads to another server, ${url.origin}: stopped`,
      );
    }
  }
  throw new LoginError(
    'ERR_UNEXPECTED_PAGE',
    `redirect loop in the login at ${origin}: stopped after ${MAX_HOPS} pages`,
  );
}

function callbackMatcher(authorizationUrl: URL): (url: URL) => boolean {
  const wanted = authorizationUrl.searchParams.get('redirect_uri');
  if (wanted === null || !URL.canParse(wanted)) {
    throw new TypeError('the authorization URL needs a redirect_uri, to know where the login ends');
  }
  const { origin, pathname } = new URL(wanted);
  return (url) => url.origin === origin && url.pathname === pathname;
}

interface Page {
  readonly status: number;
  readonly html: string;
  /** Of a redirect; undefined for a page that is shown. */
  readonly location: string | undefined;
}

interface Browser {
  readonly send: HttpClient;
  readonly cookies: Map<string, string>;
  /** Posted when there is one. */
  readonly form: URLSearchParams | undefined;
}

async function open(url: URL, { send, cookies, form }: Browser): Promise<Page> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = { accept: 'text/html', ...(cookie ? { cookie } : {}) };
  try {
    const response = await send(url, { method: form ? 'POST' : 'GET', headers, body: form });
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line);
    const { status } = response;
    const location = status >= 300 && status < 400 ? response.headers.get('location') : null;
    return { status, html: response.body, location: location ?? undefined };
  } catch (error) {
    throw connectionError(url, error);
  }
}

/** RFC 6265 section 5.3, as far as one login at one origin needs it. */
function keepCookie(cookies: Map<string, string>, line: string): void {
  const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
  if (name === undefined || value === undefined) return;
  const expires = Date.parse(/;\s*expires=([^;]+)/i.exec(line)?.[1] ?? '');
  if (/;\s*max-age=(0|-\d+)/i.test(line) || expires < Date.now()) cookies.delete(name.trim());
  else cookies.set(name.trim(), value);
}

/** The form that asks for a password: `kc-form-login` in Keycloak and here. */
function readLoginForm(html: string): { action: string; hidden: Record<string, string> } | undefined {
  for (const [, open = '', content = ''] of html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const inputs = [...content.matchAll(/<input\b([^>]*)>/gi)].map(([, tag = '']) => attributes(tag));
    if (!inputs.some(({ name }) => name === 'password')) continue;
    const hidden = inputs.flatMap(({ type, name, value = '' }) =>
      type === 'hidden' && name ? [[name, value]] : [],
    );
    const { action = '' } = attributes(open);
    return { action, hidden: Object.fromEntries(hidden) as Record<string, string> };
  }
  return undefined;
}

function attributes(tag: string): Record<string, string> {
  const found = tag.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return Object.fromEntries(
    [...found].map(([, name = '', double, single]) => [name, text(double ?? single ?? '')]),
  );
}

function wrongPassword(user: string, html: string): LoginError {
  const said = elementText(html, 'input-error') ?? elementText(html, 'input-error-username');
  return new LoginError(
    'ERR_WRONG_PASSWORD',
    `wrong password for "${user}"${said ? ` (server: ${said})` : ''}`,
  );
}

/** Keycloak's error pages and required actions (update the profile, verify the e-mail) need a person. */
function unexpectedPage({ status, html }: Page, { searchParams }: URL): LoginError {
  const said = elementText(html, 'kc-error-message');
  if (said) {
    const asked = `client "${searchParams.get('client_id')}", redirect URI "${searchParams.get('redirect_uri')}"`;
    return new LoginError(
      'ERR_UNEXPECTED_PAGE',
      `the authorization server rejected the request: ${said} (${asked})`,
    );
  }
  // Keycloak's <title> is "Sign in" on every page; the heading says which one it is.
  const heading =
    elementText(html, 'kc-page-title') ?? text(/<title>([^<]*)<\/title>/i.exec(html)?.[1] ?? '').trim();
  const page = heading ? `"${heading}"` : `with status ${status}`;
  const advice = 'complete it in a browser, then try again';
  return new LoginError('ERR_UNEXPECTED_PAGE', `the login stopped at the page ${page}: ${advice}`);
}

function elementText(html: string, id: string): string | undefined {
  const found = new RegExp(`<(\\w+)[^>]*\\bid="${id}"[^>]*>([\\s\\S]*?)</\\1>`).exec(html)?.[2];
  return found && text(found.replace(/<a\b[\s\S]*?<\/a>|<[^>]*>/g, ' ').replace(/\s+/g, ' ')).trim();
}

function text(html: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };
  return html.replace(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
    (entity, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return named[name] ?? entity;
      const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
    },
  );
}
