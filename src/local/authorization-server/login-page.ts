// The pages of the embedded authorization server: log in, log out, error. Plain HTML without scripts; no decisions.
import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f2f4f7, #15181d); }
main { box-sizing: border-box; width: min(24rem, 92vw); padding: 2rem; border-radius: 12px;
  background: light-dark(#fff, #20252c); color: light-dark(#1c2430, #e8ecf1); box-shadow: 0 2px 16px rgb(0 0 0 / .12); }
h1 { margin: 0 0 .25rem; font-size: 1.35rem; }
p { margin: 0 0 1.25rem; color: light-dark(#566273, #a5b0be); overflow-wrap: anywhere; }
label { display: block; margin-bottom: 1rem; font-weight: 600; }
input { box-sizing: border-box; display: block; width: 100%; margin-top: .3rem; padding: .6rem .7rem; font: inherit;
  color: inherit; background: light-dark(#fff, #171b20); border: 1px solid light-dark(#8290a3, #77828f); border-radius: 8px; }
button { width: 100%; padding: .7rem; font: inherit; font-weight: 600; color: #fff; background: #2456c4; border: 0;
  border-radius: 8px; cursor: pointer; }
button:hover { background: #1c469f; }
:focus-visible { outline: 3px solid #7aa2ff; outline-offset: 2px; }
[role=alert] { padding: .6rem .8rem; border-radius: 8px; background: light-dark(#fdecec, #4a2020);
  color: light-dark(#8c1616, #ffc9c9); }
`;

/**
 * Headers for every page: nothing from elsewhere, not in a frame.
 * There is no `form-action`: browsers apply it to the redirects after the form too, and those end at the client.
 */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** The names of the form and its fields are Keycloak's, so that one scripted login serves both. */
export function loginPage(options: {
  realm: string;
  client: string;
  action: string;
  username?: string;
  error?: string;
}): string {
  const { realm, client, action, username = '', error } = options;
  const invalid = error ? ' aria-invalid="true" aria-describedby="input-error"' : '';
  return page(
    `Sign in to ${realm}`,
    `<p>${escape(client)} asks you to sign in.</p>
${error ? `<p id="input-error" role="alert">${escape(error)}</p>` : ''}
<form id="kc-form-login" action="${escape(action)}" method="post">
<label>Username
<input id="username" name="username" type="text" value="${escape(username)}" autocomplete="username" autocapitalize="none" spellcheck="false" required${error ? '' : ' autofocus'}${invalid}></label>
<label>Password
<input id="password" name="password" type="password" autocomplete="current-password" required${error ? ' autofocus' : ''}${invalid}></label>
<button id="kc-login" type="submit">Sign in</button>
</form>`,
  );
}

export function errorPage(message: string): string {
  return page('We are sorry…', `<p id="kc-error-message" role="alert">${escape(message)}</p>`);
}

/** `form` is oidc-provider's own, with its protection against forged requests; the button submits it. */
export function logoutPage(form: string): string {
  return page(
    'Log out?',
    `<p>You will have to sign in again.</p>${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Log out</button>`,
  );
}

export function loggedOutPage(): string {
  return page('You are logged out', '<p>You may close this window.</p>');
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
