// The configuration file: what is refused, each with its place, and what is filled in.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { parseConfig } from '../../../src/realm/config.ts';
import { readSettings } from '../../../src/realm/settings.ts';
import { setField } from '../../support/manifests.ts';
import { selfSigned } from '../../kit/certificate.ts';

function valid(): Record<string, unknown> {
  return {
    keycloak: {
      url: 'https://keycloak.example.com',
      admin: { usernameFile: 'username', passwordFile: 'password' },
    },
    realm: 'my-realm',
    audiences: [{ scope: 'a', audience: 'https://a.example.com/mcp' }],
    clients: [{ clientId: 'c', redirectUris: ['http://localhost:6274/oauth/callback'] }],
    users: [
      { username: 'ann', firstName: 'Ann', lastName: 'E', email: 'ann@example.com', passwordFile: 'ann' },
    ],
    clientRegistration: { trustedHosts: ['localhost'] },
  };
}

function problems(fields: Record<string, unknown>): string {
  const config = valid();
  for (const [path, value] of Object.entries(fields)) setField(config, path, value);
  try {
    parseConfig(stringify(config), 'config.yaml');
    return '';
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_CONFIG');
    return (error as Error).message;
  }
}

describe('refused', () => {
  const rows: readonly [string, Record<string, unknown>, RegExp][] = [
    ['a field that does not exist', { 'keycloak.uri': 'x' }, /keycloak: .*"uri"/],
    ['no URL', { 'keycloak.url': undefined }, /keycloak\.url: /],
    ['a URL without TLS', { 'keycloak.url': 'http://keycloak:8080' }, /keycloak\.url: must start with https/],
    [
      'a URL with credentials',
      { 'keycloak.url': 'https://a:b@c' },
      /keycloak\.url: must not contain credentials/,
    ],
    ['a URL with a query', { 'keycloak.url': 'https://a?b' }, /keycloak\.url: must be scheme/],
    ['a password in the file', { 'keycloak.admin.password': 'x' }, /keycloak\.admin: .*"password"/],
    ['no credentials', { 'keycloak.admin': {} }, /keycloak\.admin: give usernameFile and passwordFile, or/],
    [
      'half of both kinds of credentials',
      { 'keycloak.admin': { usernameFile: 'a', clientSecretFile: 'b' } },
      /keycloak\.admin: give/,
    ],
    [
      'both kinds of credentials',
      { 'keycloak.admin.clientIdFile': 'a', 'keycloak.admin.clientSecretFile': 'b' },
      /keycloak\.admin: give/,
    ],
    ['the realm of the administrators', { realm: 'master' }, /realm: must not be master/],
    ['a realm that is no part of a URL', { realm: 'my realm' }, /realm: must be letters/],
    ['no audience', { audiences: [] }, /audiences: /],
    ['a scope with a blank', { 'audiences[0].scope': 'a b' }, /audiences\[0\]\.scope: must be a scope token/],
    ['the scope openid', { 'audiences[0].scope': 'openid' }, /audiences\[0\]\.scope: is reserved/],
    ['another type of scope', { 'audiences[0].type': 'optional' }, /audiences\[0\]\.type: /],
    ['a scope twice', { 'audiences[1]': { scope: 'a', audience: 'b' } }, /audiences\[1\]: duplicate "a"/],
    [
      'a redirect URI with *',
      { 'clients[0].redirectUris[0]': 'https://a/*' },
      /redirectUris\[0\]: must not contain \*/,
    ],
    [
      'a redirect URI without TLS to another machine',
      { 'clients[0].redirectUris[0]': 'http://a.example.com/' },
      /redirectUris\[0\]: must start with https/,
    ],
    [
      'a redirect URI that is a script',
      { 'clients[0].redirectUris[0]': 'javascript:a()' },
      /redirectUris\[0\]: must not have this scheme/,
    ],
    [
      'a redirect URI with a fragment',
      { 'clients[0].redirectUris[0]': 'https://a/#b' },
      /redirectUris\[0\]: .*fragment/,
    ],
    ['no redirect URI', { 'clients[0].redirectUris': [] }, /clients\[0\]\.redirectUris: /],
    ['any web origin', { 'clients[0].webOrigins': ['*'] }, /webOrigins\[0\]: must be scheme, host and port/],
    ['a web origin with a path', { 'clients[0].webOrigins': ['https://a/'] }, /webOrigins\[0\]: /],
    [
      'a user name with capitals',
      { 'users[0].username': 'Ann' },
      /users\[0\]\.username: must be in lower case/,
    ],
    ['a password of a user in the file', { 'users[0].password': 'x' }, /users\[0\]: .*"password"/],
    ['an e-mail address that is none', { 'users[0].email': 'ann' }, /users\[0\]\.email: /],
    [
      'registration from nowhere',
      { 'clientRegistration.trustedHosts': [] },
      /clientRegistration\.trustedHosts: /,
    ],
  ];
  for (const [name, fields, message] of rows) it(name, () => assert.match(problems(fields), message));

  it('all of them at once', () => {
    const text = problems({ realm: 'master', 'users[0].email': 'x', 'keycloak.waitSeconds': 'long' });
    assert.match(text, /^config\.yaml: 3 problem\(s\)\n/);
    for (const field of ['realm:', 'users[0].email:', 'keycloak.waitSeconds:'])
      assert.ok(text.includes(field));
  });

  it('what is not YAML', () => {
    assert.throws(() => parseConfig('a: [', 'config.yaml'), { message: /^config\.yaml: 1 problem/ });
  });

  it('an empty file', () => {
    assert.throws(() => parseConfig('', 'config.yaml'), { message: /keycloak: .*\n.*realm: / });
  });
});

describe('accepted', () => {
  for (const [name, fields] of [
    ['a path in the URL', { 'keycloak.url': 'https://keycloak.example.com/auth' }],
    ['plain http on this machine', { 'keycloak.url': 'http://localhost:8080' }],
    ['a redirect URI of an application', { 'clients[0].redirectUris[0]': 'com.example.app:/callback' }],
    ['an IPv6 loopback redirect URI', { 'clients[0].redirectUris[0]': 'http://[::1]:1234/' }],
    ['a realm without users and clients', { users: undefined, clients: undefined }],
    ['no word about registration', { clientRegistration: undefined }],
  ] as const)
    it(name, () => assert.equal(problems(fields), ''));

  it('JSON, with the defaults filled in', () => {
    const { keycloak, audiences, clientRegistration } = parseConfig(JSON.stringify(valid()), 'config.json');
    assert.deepEqual(
      [keycloak.waitSeconds, keycloak.requestTimeoutSeconds, keycloak.admin.realm],
      [300, 30, 'master'],
    );
    assert.deepEqual([audiences[0]?.type, clientRegistration?.senders], ['Optional', 'TrustedHosts']);
  });
});

describe('the files that the configuration names', () => {
  /** Settings from a directory with these files. */
  function read(files: Record<string, string>, fields: Record<string, unknown> = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'realm-config-'));
    try {
      const config = valid();
      for (const [path, value] of Object.entries(fields)) setField(config, path, value);
      const all = { 'config.yaml': stringify(config), username: 'admin', password: 'p', ann: 'q', ...files };
      for (const [name, text] of Object.entries(all)) writeFileSync(join(directory, name), text);
      return readSettings(join(directory, 'config.yaml'));
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it('are read without the line feed that editors leave', () => {
    const { admin, passwords } = read({ password: 'with blank \n', ann: 'two\n\n' });
    assert.deepEqual(admin, { grantType: 'password', username: 'admin', password: 'with blank ' });
    assert.equal(passwords.get('ann'), 'two\n');
  });

  it('may be those of a service account', () => {
    const fields = { 'keycloak.admin': { clientIdFile: 'id', clientSecretFile: 'secret' } };
    const { admin } = read({ id: 'robot', secret: 's' }, fields);
    assert.deepEqual(admin, { grantType: 'client_credentials', clientId: 'robot', clientSecret: 's' });
  });

  it('are all named that cannot be used, and nothing of what they hold', () => {
    const fields = { 'keycloak.caFile': 'ca', 'users[0].passwordFile': 'nowhere' };
    assert.throws(
      () => read({ password: '\n', ca: 'not-a-certificate' }, fields),
      ({ message }: Error) => {
        assert.match(message, /config\.yaml: 3 problem\(s\)/);
        assert.match(message, /keycloak\.admin\.passwordFile: password is empty/);
        assert.match(message, /keycloak\.caFile: ca must hold certificates \(PEM\)/);
        assert.match(message, /users\[0\]\.passwordFile: cannot read nowhere: ENOENT/);
        assert.doesNotMatch(message, /not-a-certificate/);
        return true;
      },
    );
  });

  it('may hold several authorities', async () => {
    const [one, two] = [await selfSigned('one'), await selfSigned('two')];
    const { authorities } = read({ ca: `# a bundle\n${one.cert}\n${two.cert}` }, { 'keycloak.caFile': 'ca' });
    assert.equal(authorities?.length, 2);
  });

  it('a configuration that is not there is named', () => {
    assert.throws(() => readSettings('/nowhere/config.yaml'), {
      message: '/nowhere/config.yaml: 1 problem(s)\n  cannot be read: ENOENT',
    });
  });
});
