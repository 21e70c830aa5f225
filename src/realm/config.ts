// The configuration file -> a validated configuration. Its only schema; reads no secret, sends nothing.
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { isLoopback } from '../protocol/host.ts';
import { SCOPE_TOKEN } from '../protocol/oauth.ts';
import { RealmError } from './failure.ts';

const scopeToken = z
  .string()
  .regex(SCOPE_TOKEN, 'must be a scope token (RFC 6749 section 3.3)')
  .max(255)
  .refine((name) => name !== 'openid' && name !== 'offline_access', 'is reserved; choose another name');

const name = z.string().min(1).max(255);
const file = z.string().min(1);

/** The administrator's password goes there. */
const keycloakUrl = z.string().superRefine((value, context) => {
  const problem = (message: string) => context.addIssue({ code: 'custom', message });
  if (!URL.canParse(value)) return problem('must be an absolute URL');
  const url = new URL(value);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    problem('must start with https:// (or http:// on this machine)');
  if (url.username || url.password) problem('must not contain credentials');
  if (url.search || url.hash) problem('must be scheme, host, port and path only');
});

/** RFC 9700 section 2.1: compared exactly. RFC 8252 section 7.3: plain http only on loopback. */
const redirectUri = z.string().superRefine((value, context) => {
  const problem = (message: string) => context.addIssue({ code: 'custom', message });
  if (!URL.canParse(value)) return problem('must be an absolute URL');
  const url = new URL(value);
  if (value.includes('*')) problem('must not contain *: an attacker who receives the code gets the token');
  if (value.includes('#')) problem('must not have a fragment (RFC 6749 section 3.1.2)');
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    problem('must start with https:// (or http:// on localhost, 127.0.0.1 or [::1])');
  if (/^(javascript|data|vbscript):$/.test(url.protocol)) problem('must not have this scheme');
});

const webOrigin = z
  .string()
  .refine(
    (value) => URL.canParse(value) && new URL(value).origin === value,
    'must be scheme, host and port only, such as http://localhost:6274',
  );

const admin = z
  .strictObject({
    /** The realm where the administrator is. */
    realm: name.default('master'),
    usernameFile: file.optional(),
    passwordFile: file.optional(),
    clientIdFile: file.optional(),
    clientSecretFile: file.optional(),
  })
  .superRefine((value, context) => {
    const user = [value.usernameFile, value.passwordFile];
    const client = [value.clientIdFile, value.clientSecretFile];
    const complete = (pair: readonly unknown[]) => pair.every((part) => part !== undefined);
    const absent = (pair: readonly unknown[]) => pair.every((part) => part === undefined);
    if ((complete(user) && absent(client)) || (complete(client) && absent(user))) return;
    const message = 'give usernameFile and passwordFile, or clientIdFile and clientSecretFile';
    context.addIssue({ code: 'custom', message });
  });

const audience = z.strictObject({
  /** The client scope that clients ask for. */
  scope: scopeToken,
  /** What it puts into `aud`. */
  audience: z.string().min(1).max(1024),
  /** Optional: in tokens of clients that ask for the scope. Default: in all tokens of clients that have it. */
  type: z.enum(['Optional', 'Default']).default('Optional'),
  /** Shown to the person who is asked for consent. */
  description: z.string().max(255).optional(),
});

const client = z.strictObject({
  clientId: name,
  name: z.string().max(255).optional(),
  redirectUris: z.array(redirectUri).min(1).max(64),
  webOrigins: z.array(webOrigin).max(64).default([]),
});

const user = z.strictObject({
  /** Keycloak keeps user names in lower case. */
  username: name.refine((value) => value === value.toLowerCase(), 'must be in lower case'),
  firstName: name,
  lastName: name,
  email: z.email(),
  /** Used when the user is created, and never again. */
  passwordFile: file,
});

const clientRegistration = z.strictObject({
  /** Hosts that the redirect URIs of registered clients may have. */
  trustedHosts: z.array(name).min(1).max(64),
  /** TrustedHosts: only these hosts may register clients. Any: everyone who reaches Keycloak. */
  senders: z.enum(['TrustedHosts', 'Any']).default('TrustedHosts'),
  /** Pages that may register a client from the browser. */
  webOrigins: z.array(webOrigin).max(64).default([]),
});

const realmConfig = z
  .strictObject({
    keycloak: z.strictObject({
      url: keycloakUrl,
      /** PEM bundle that Keycloak's certificate must chain to; the system's roots when absent. */
      caFile: file.optional(),
      waitSeconds: z.number().min(0).max(3600).default(300),
      requestTimeoutSeconds: z.number().min(1).max(300).default(30),
      admin,
    }),
    realm: z
      .string()
      .regex(
        /^[A-Za-z0-9._-]{1,255}$/,
        'must be letters, digits, dots, dashes and underscores: it is part of a URL',
      )
      .refine((value) => value !== 'master', 'must not be master: that realm is for administrators'),
    audiences: z.array(audience).min(1).max(100),
    clients: z.array(client).max(100).default([]),
    users: z.array(user).max(100).default([]),
    /** Anonymous registration of clients (RFC 7591). Absent: Keycloak's settings are left as they are. */
    clientRegistration: clientRegistration.optional(),
  })
  .superRefine((value, context) => {
    const lists = {
      audiences: value.audiences.map(({ scope }) => scope),
      clients: value.clients.map(({ clientId }) => clientId),
      users: value.users.map(({ username }) => username),
    };
    for (const [field, keys] of Object.entries(lists))
      for (const [index, key] of keys.entries())
        if (keys.indexOf(key) < index)
          context.addIssue({ code: 'custom', path: [field, index], message: `duplicate "${key}"` });
  });

export type RealmConfig = Readonly<z.infer<typeof realmConfig>>;
export type AudienceConfig = RealmConfig['audiences'][number];
export type ClientConfig = RealmConfig['clients'][number];
export type UserConfig = RealmConfig['users'][number];
export type ClientRegistrationConfig = NonNullable<RealmConfig['clientRegistration']>;

/**
 * Checks the text of a configuration file; `source` names it in errors.
 * @throws RealmError naming every problem by its field path
 */
export function parseConfig(text: string, source: string): RealmConfig {
  const document = parseDocument(text);
  if (document.errors.length > 0)
    throw configFailure(
      source,
      document.errors.map(({ message }) => message.split('\n')[0] ?? ''),
    );
  const result = realmConfig.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  throw configFailure(
    source,
    result.error.issues.map(({ path, message }) => `${fieldPath(path)}: ${message}`),
  );
}

export function configFailure(source: string, problems: readonly string[]): RealmError {
  const lines = problems.map((problem) => `  ${problem}`);
  return new RealmError('ERR_CONFIG', [`${source}: ${problems.length} problem(s)`, ...lines].join('\n'));
}

function fieldPath(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'file';
}
