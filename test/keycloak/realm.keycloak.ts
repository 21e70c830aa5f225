// The realm program on a real Keycloak: what it makes, what it puts right, what it leaves alone, and what it says.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { selfSigned } from '../kit/certificate.ts';
import { freePorts } from '../kit/free-ports.ts';
import { Admin, type Json } from './admin.ts';
import { REDIRECT_URIS, runRealm, WEB_ORIGINS, type RunOptions } from './realm-program.ts';
import { Keycloak } from './server.ts';

const REALM = '/my-realm';
const POLICIES = `${REALM}/components?type=org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy`;
const NOTHING_TO_DO = ['realm my-realm: no changes, 9 parts up to date'];
/** What an account needs where the realm is there already. */
const ROLES = ['manage-clients', 'manage-realm', 'manage-users', 'view-realm'];
/** A stack trace: not for a user who only typed something wrong. */
const STACK = /\n\s+at /;

let keycloak: Keycloak;
let admin: Admin;

before(async () => {
  keycloak = await Keycloak.start();
  admin = new Admin(keycloak);
});
after(async () => {
  await admin.close();
  await keycloak.stop();
});

const run = (options: RunOptions = {}) => runRealm(keycloak, options);

async function runWell(options: RunOptions = {}): Promise<readonly string[]> {
  const { code, lines, stderr } = await run(options);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return lines;
}

const client = () => admin.find(`${REALM}/clients?clientId=mcp-client`, {});
const scope = () => admin.find(`${REALM}/client-scopes`, { name: 'echo-mcp-server' });
const user = () => admin.find(`${REALM}/users?username=eitan&exact=true`, {});
const policy = (providerId: string) => admin.find(POLICIES, { providerId, subType: 'anonymous' });
const mapper = async () =>
  admin.find(`${REALM}/client-scopes/${String((await scope())['id'])}/protocol-mappers/models`, {
    name: 'audience',
  });
const names = async (path: string) => (await admin.list(path)).map(({ name }) => name);

describe('an empty server', () => {
  it('--dry-run prints all that would be made, without a password, and writes nothing', async () => {
    const lines = await runWell({ args: ['--dry-run'] });
    for (const line of [
      'would create realm my-realm',
      'would create client scope echo-mcp-server',
      'would create mapper audience of client scope echo-mcp-server',
      '    config.included.custom.audience: "echo-mcp-server"',
      'would create client mcp-client',
      `    redirectUris: ${JSON.stringify(REDIRECT_URIS)}`,
      'would create user eitan',
    ])
      assert.ok(lines.includes(line), line);
    assert.equal(lines.at(-1), 'realm my-realm: 5 to create, 4 to update, 0 unchanged');
    assert.doesNotMatch(lines.join('\n'), /"test"|credentials/);
    assert.equal(await admin.exists(REALM), false);
  });

  it('a run makes everything, a line for each', async () => {
    const lines = await runWell();
    const heads = lines.map((line) => line.replace(/: .*/, ''));
    assert.deepEqual(heads, [
      'created realm my-realm',
      'created client scope echo-mcp-server',
      'created mapper audience of client scope echo-mcp-server',
      'updated realm my-realm',
      'updated policy "Trusted Hosts" for anonymous registration',
      'updated policy "Allowed Client Scopes" for anonymous registration',
      'updated policy "Allowed Registration Web Origins" for anonymous registration',
      'created client mcp-client',
      'created user eitan',
      'realm my-realm',
    ]);
  });

  it('the realm has what every new realm has, and ours', async () => {
    const scopes = await names(`${REALM}/client-scopes`);
    for (const name of [
      'basic',
      'profile',
      'email',
      'roles',
      'web-origins',
      'offline_access',
      'echo-mcp-server',
    ])
      assert.ok(scopes.includes(name), name);
    const optional = await names(`${REALM}/default-optional-client-scopes`);
    assert.ok(optional.includes('echo-mcp-server') && optional.includes('offline_access'));
    const config = (await mapper())['config'] as Json;
    assert.equal(config['included.custom.audience'], 'echo-mcp-server');
    assert.deepEqual([config['access.token.claim'], config['id.token.claim']], ['true', 'false']);
  });

  it('the client is public, with PKCE and the code flow only, and has the scopes', async () => {
    const found = await client();
    const fields = [
      'publicClient',
      'standardFlowEnabled',
      'implicitFlowEnabled',
      'directAccessGrantsEnabled',
    ];
    assert.deepEqual(
      fields.map((field) => found[field]),
      [true, true, false, false],
    );
    assert.equal((found['attributes'] as Json)['pkce.code.challenge.method'], 'S256');
    assert.deepEqual((found['redirectUris'] as string[]).toSorted(), REDIRECT_URIS.toSorted());
    assert.deepEqual((found['webOrigins'] as string[]).toSorted(), WEB_ORIGINS.toSorted());
    assert.ok((found['defaultClientScopes'] as string[]).includes('basic'));
    const optional = found['optionalClientScopes'] as string[];
    assert.ok(optional.includes('echo-mcp-server') && optional.includes('offline_access'));
  });

  it('the user has what a login asks for', async () => {
    const { firstName, lastName, email, emailVerified, requiredActions } = await user();
    assert.deepEqual([firstName, lastName, email], ['Eitan', 'Test', 'eitan@example.com']);
    assert.deepEqual([emailVerified, requiredActions], [true, []]);
  });
});

describe('a second run', () => {
  before(() => recordWrites());

  it('writes nothing, by what Keycloak itself recorded', async () => {
    assert.deepEqual(await runWell(), NOTHING_TO_DO);
    assert.deepEqual(await writes(), []);
  });

  it('is recorded when there is something to write', async () => {
    await admin.put(`${REALM}/users/${String((await user())['id'])}`, { ...(await user()), lastName: '' });
    await clearWrites();
    await runWell();
    assert.deepEqual(await writes(), [`UPDATE users/${String((await user())['id'])}`]);
  });

  it('--dry-run writes nothing where something differs, and shows the old value and the new one', async () => {
    await setMapper({ 'included.custom.audience': 'other' });
    await clearWrites();
    assert.deepEqual(await runWell({ args: ['--dry-run'] }), [
      'would update mapper audience of client scope echo-mcp-server',
      '    config.included.custom.audience: "other" -> "echo-mcp-server"',
      'realm my-realm: 0 to create, 1 to update, 8 unchanged',
    ]);
    assert.deepEqual(await writes(), []);
    await runWell();
  });
});

describe('what was changed by hand is put right', () => {
  const scopeId = async () => String((await scope())['id']);
  const clientPath = async (rest = '') => `${REALM}/clients/${String((await client())['id'])}${rest}`;
  type Change = { change: () => Promise<unknown>; line: RegExp };

  /** All the changes, and one run. */
  function putRight(what: string, changes: Readonly<Record<string, Change>>): void {
    describe(what, () => {
      let lines: readonly string[];
      before(async () => {
        for (const { change } of Object.values(changes)) await change();
        lines = await runWell();
      });
      for (const [name, { line }] of Object.entries(changes))
        it(name, () =>
          assert.ok(
            lines.some((said) => line.test(said)),
            lines.join('\n'),
          ),
        );
      it('and then nothing is left to do', async () => assert.deepEqual(await runWell(), NOTHING_TO_DO));
    });
  }

  putRight('changed', {
    "the mapper's audience": {
      change: () => setMapper({ 'included.custom.audience': 'somewhere-else' }),
      line: /^updated mapper audience .*: config\.included\.custom\.audience: "somewhere-else" -> "echo-mcp-server"/,
    },
    'an audience that would win over ours': {
      change: () => setMapper({ 'included.client.audience': 'account' }),
      line: /^updated mapper .*config\.included\.client\.audience: "account" -> \(none\)/,
    },
    "the client's PKCE": {
      change: () => setClient({ attributes: { 'pkce.code.challenge.method': '' } }),
      line: /^updated client mcp-client: .*attributes\.pkce\.code\.challenge\.method: .* -> "S256"/,
    },
    'a redirect URI that is gone': {
      change: () => setClient({ redirectUris: REDIRECT_URIS.slice(1) }),
      line: /^updated client mcp-client: .*redirectUris: /,
    },
    'a password grant': {
      change: () => setClient({ directAccessGrantsEnabled: true }),
      line: /^updated client .*directAccessGrantsEnabled: true -> false/,
    },
    'the scope basic that is gone, without which tokens have no sub': {
      change: async () => {
        const { id } = await admin.find(`${REALM}/client-scopes`, { name: 'basic' });
        await admin.delete(await clientPath(`/default-client-scopes/${String(id)}`));
      },
      line: /^updated client mcp-client: .*defaultClientScopes: .* -> .*"basic"/,
    },
    "the audience's scope in the wrong list": {
      change: async () => {
        await admin.delete(await clientPath(`/optional-client-scopes/${await scopeId()}`));
        await admin.put(await clientPath(`/default-client-scopes/${await scopeId()}`));
      },
      line: /^updated client mcp-client: .*optionalClientScopes: .* -> .*"echo-mcp-server"/,
    },
    "the audience's scope that new clients do not get": {
      change: async () => admin.delete(`${REALM}/default-optional-client-scopes/${await scopeId()}`),
      line: /^updated realm my-realm: defaultOptionalClientScopes: /,
    },
    'a trusted host that is gone': {
      change: async () => {
        const found = await policy('trusted-hosts');
        const config = { ...(found['config'] as Json), 'trusted-hosts': ['127.0.0.1'] };
        await admin.put(`${REALM}/components/${String(found['id'])}`, { ...found, config });
      },
      line: /config\.trusted-hosts: \["127\.0\.0\.1"\] -> \["127\.0\.0\.1","localhost"\]$/,
    },
    'an e-mail address that is no longer verified': {
      change: async () => {
        const found = await user();
        await admin.put(`${REALM}/users/${String(found['id'])}`, { ...found, emailVerified: false });
      },
      line: /^updated user eitan: emailVerified: false -> true$/,
    },
  });

  putRight('deleted', {
    'a mapper': {
      change: async () => {
        const models = `${REALM}/client-scopes/${await scopeId()}/protocol-mappers/models`;
        await admin.delete(`${models}/${String((await mapper())['id'])}`);
      },
      line: /^created mapper audience/,
    },
    'a policy': {
      change: async () => admin.delete(await pathOf('policy')),
      line: /^created policy "Trusted Hosts"/,
    },
    'a client': {
      change: async () => admin.delete(await pathOf('client')),
      line: /^created client mcp-client$/,
    },
  });
});

describe('what is not ours', () => {
  it('stays as others made it', async () => {
    const added = 'https://app.example.com/callback';
    await setClient({ name: 'Renamed', redirectUris: [...REDIRECT_URIS, added], enabled: false });
    await admin.post(`${REALM}/clients`, { clientId: 'another', publicClient: true });
    await admin.put(`${REALM}/users/${String((await user())['id'])}/reset-password`, {
      type: 'password',
      value: 'changed',
      temporary: false,
    });
    await admin.put(`${REALM}/users/${String((await user())['id'])}`, {
      ...(await user()),
      firstName: 'Ethan',
    });
    await admin.put(REALM, { displayName: 'Our realm' });
    const scopes = `${REALM}/client-scopes/${String((await scope())['id'])}`;
    await admin.post(`${scopes}/protocol-mappers/models`, {
      name: 'another',
      protocol: 'openid-connect',
      protocolMapper: 'oidc-audience-mapper',
      config: { 'included.custom.audience': 'another', 'access.token.claim': 'true' },
    });
    await clearWrites();

    assert.deepEqual(await runWell(), NOTHING_TO_DO);
    assert.deepEqual(await writes(), []);

    await setClient({ enabled: true, attributes: { 'pkce.code.challenge.method': '' } });
    await runWell(); // a write of ours takes the rest along as it is
    const { name, redirectUris, attributes } = await client();
    assert.equal(name, 'Renamed');
    assert.ok((redirectUris as string[]).includes(added));
    assert.equal((attributes as Json)['pkce.code.challenge.method'], 'S256');
    assert.equal((await user())['firstName'], 'Ethan');
    assert.equal((await admin.get(REALM))['displayName'], 'Our realm');
    assert.equal((await admin.list(`${REALM}/clients?clientId=another`)).length, 1);
    assert.deepEqual((await names(`${scopes}/protocol-mappers/models`)).toSorted(), ['another', 'audience']);
    assert.deepEqual(await passwordWorks(), { changed: true, test: false });
  });
});

describe('another configuration', () => {
  const audiences = [
    { scope: 'echo-mcp-server', audience: 'echo-mcp-server' },
    { scope: 'mcp:weather', audience: 'https://weather.example.com/mcp', type: 'Default' },
  ];

  it('one more audience, for all clients', async () => {
    await runWell({ config: { audiences } });
    assert.ok((await names(`${REALM}/default-default-client-scopes`)).includes('mcp:weather'));
    assert.ok(((await client())['defaultClientScopes'] as string[]).includes('mcp:weather'));
    assert.deepEqual(await runWell({ config: { audiences } }), [
      'realm my-realm: no changes, 12 parts up to date',
    ]);
  });

  it('and it stays when the configuration no longer names it: nothing is deleted', async () => {
    assert.deepEqual(await runWell(), NOTHING_TO_DO);
    assert.ok((await names(`${REALM}/client-scopes`)).includes('mcp:weather'));
  });

  it('two runs at the same time make one realm; who came second may have to try again, as a Job does', async () => {
    const twice = { config: { realm: 'race' } };
    const codes = (await Promise.all([run(twice), run(twice)])).map(({ code }) => code);
    assert.ok(codes.includes(0) && codes.every((code) => code === 0 || code === 7), codes.join());
    assert.deepEqual(await runWell(twice), ['realm race: no changes, 9 parts up to date']);
    assert.equal((await admin.list('/race/clients?clientId=mcp-client')).length, 1);
  });
});

describe('a service account', () => {
  const secret = 'secret-of-this-robot';
  const keycloakConfig = () => ({ admin: { clientIdFile: 'client-id', clientSecretFile: 'client-secret' } });
  const asRobot = (clientId: string, config: RunOptions['config'] = {}): RunOptions => ({
    keycloak: keycloakConfig(),
    config,
    files: { 'client-id': clientId, 'client-secret': secret },
  });

  it('with create-realm makes a realm and keeps it, with tokens that do not last as long as a run', async () => {
    await makeRobot('maker', secret, { 'access.token.lifespan': '7' });
    const role = await admin.get('/master/roles/create-realm');
    const { id } = await serviceAccount('maker');
    await admin.post(`/master/users/${String(id)}/role-mappings/realm`, [role]);
    await runWell(asRobot('maker', { realm: 'made' }));
    assert.deepEqual(await runWell(asRobot('maker', { realm: 'made' })), [
      'realm made: no changes, 9 parts up to date',
    ]);
  });

  it('without a role is told which one, again and again, until it has all and no more', async () => {
    await makeRobot('keeper', secret);
    await admin.delete(await pathOf('client')); // so that there is something to write of every kind
    await admin.delete(await pathOf('user'));
    await admin.delete(await pathOf('policy'));
    const told: string[] = [];
    for (let tries = 0; tries < 9; tries++) {
      const { code, stderr } = await run(asRobot('keeper'));
      if (code === 0) break;
      assert.equal(code, 6, stderr);
      assert.doesNotMatch(stderr, STACK);
      const role = /grant the administrator the role (\S+) of client my-realm-realm in realm master/.exec(
        stderr,
      )?.[1];
      assert.ok(role, stderr);
      assert.ok(!told.includes(role), stderr);
      told.push(role);
      await grant('keeper', role);
    }
    assert.deepEqual(told.toSorted(), ROLES);
    assert.deepEqual(await runWell(asRobot('keeper')), NOTHING_TO_DO);
  });

  it('of the realm itself needs the same roles', async () => {
    await makeRobot('insider', secret, {}, 'my-realm');
    const inside = asRobot('insider');
    const options = {
      ...inside,
      keycloak: { admin: { realm: 'my-realm', ...keycloakConfig().admin } },
    };
    assert.match(
      (await run(options)).stderr,
      /grant the administrator the role \S+ of client realm-management\n$/,
    );
    for (const role of ROLES) await grant('insider', role, 'my-realm');
    assert.deepEqual(await runWell(options), NOTHING_TO_DO);
  });

  it('without create-realm is told so', async () => {
    const { code, stderr } = await run(asRobot('keeper', { realm: 'not-there' }));
    assert.equal(code, 6);
    assert.match(stderr, /^cannot create realm not-there: forbidden; .* create-realm of realm master/);
  });

  it('with a wrong secret is told so, without the secret', async () => {
    const { code, stderr } = await run({
      ...asRobot('keeper'),
      files: { 'client-id': 'keeper', 'client-secret': 'wrong-secret' },
    });
    assert.equal(code, 5);
    assert.match(stderr, /^login to realm master at \S+ as client "keeper" failed: 401 .*Secret/);
    assert.doesNotMatch(stderr, /wrong-secret/);
  });
});

describe('what goes wrong', () => {
  it('a wrong password: exit code 5, and the password is not shown', async () => {
    const { code, lines, stderr } = await run({ files: { password: 'wrong-password' } });
    assert.deepEqual({ code, lines }, { code: 5, lines: [] });
    assert.match(
      stderr,
      /^login to realm master at \S+ as user "admin" failed: 40[01] Invalid user credentials; check the Secret/,
    );
    assert.doesNotMatch(stderr, /wrong-password|\n\s+at /);
  });

  it('a certificate of another authority: exit code 4, at once', async () => {
    const { code, stderr } = await run({
      keycloak: { caFile: 'ca.crt' },
      files: { 'ca.crt': (await selfSigned()).cert },
    });
    assert.equal(code, 4);
    assert.match(stderr, /^the certificate of \S+ is not trusted \([A-Z_]+\): set keycloak\.caFile to .*\n$/);
  });

  it('no Keycloak there: exit code 3, with how long it tried and what it got', async () => {
    const [port] = await freePorts(1);
    const begun = Date.now();
    const { code, lines, stderr } = await run({
      keycloak: { url: `https://localhost:${port}`, waitSeconds: 3 },
    });
    assert.equal(code, 3);
    assert.match(
      stderr,
      /^cannot reach Keycloak at \S+: gave up after [34] s \(keycloak\.waitSeconds\): .*ECONNREFUSED/,
    );
    assert.match(lines.join('\n'), /^waiting for Keycloak at \S+: .*ECONNREFUSED.*$/); // once, not at every try
    assert.ok(Date.now() - begun < 8_000);
  });

  it('a realm of the administrator that is not there: exit code 2', async () => {
    const { code, stderr } = await run({
      keycloak: { admin: { realm: 'nowhere', usernameFile: 'username', passwordFile: 'password' } },
    });
    assert.equal(code, 2);
    assert.match(stderr, /^keycloak\.admin\.realm: Keycloak at \S+ has no realm "nowhere"\n$/);
  });

  it('an e-mail address that another user has: what Keycloak says, exit code 7', async () => {
    const { code, stderr } = await run({
      config: {
        users: [
          {
            username: 'eva',
            firstName: 'Eva',
            lastName: 'Test',
            email: 'eitan@example.com',
            passwordFile: 'eitan',
          },
        ],
      },
    });
    assert.equal(code, 7);
    assert.match(stderr, /^cannot create user eva: Keycloak returned 409 User exists with same email\n$/);
  });
});

/** Keycloak's own record of what its admin API wrote. */
async function recordWrites(): Promise<void> {
  await admin.put(`${REALM}/events/config`, { adminEventsEnabled: true });
  await clearWrites();
}

const clearWrites = () => admin.delete(`${REALM}/admin-events`);

async function writes(): Promise<string[]> {
  const events = await admin.list(`${REALM}/admin-events`);
  return events.map(({ operationType, resourcePath }) => `${String(operationType)} ${String(resourcePath)}`);
}

async function setMapper(config: Json): Promise<void> {
  const found = await mapper();
  const path = `${REALM}/client-scopes/${String((await scope())['id'])}/protocol-mappers/models`;
  await admin.put(`${path}/${String(found['id'])}`, {
    ...found,
    config: { ...(found['config'] as Json), ...config },
  });
}

async function setClient(fields: Json): Promise<void> {
  const found = await client();
  await admin.put(`${REALM}/clients/${String(found['id'])}`, { ...found, ...fields });
}

async function passwordWorks(): Promise<Record<string, boolean>> {
  await admin.post(`${REALM}/clients`, {
    clientId: 'by-password',
    publicClient: true,
    directAccessGrantsEnabled: true,
  });
  const works = async (password: string) => {
    const form = { grant_type: 'password', client_id: 'by-password', username: 'eitan', password };
    return (await admin.token('my-realm', form)).status === 200;
  };
  return { changed: await works('changed'), test: await works('test') };
}

async function makeRobot(
  clientId: string,
  secret: string,
  attributes: Json = {},
  realm = 'master',
): Promise<void> {
  await admin.post(`/${realm}/clients`, {
    clientId,
    secret,
    attributes,
    publicClient: false,
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
  });
}

async function serviceAccount(clientId: string, realm = 'master'): Promise<Json> {
  const { id } = await admin.find(`/${realm}/clients?clientId=${clientId}`, {});
  return admin.get(`/${realm}/clients/${String(id)}/service-account-user`);
}

/** A role over my-realm, which is one of a client: in the realm master, or in my-realm itself. */
async function grant(clientId: string, name: string, realm = 'master'): Promise<void> {
  const keeper = realm === 'master' ? 'my-realm-realm' : 'realm-management';
  const { id } = await admin.find(`/${realm}/clients?clientId=${keeper}`, {});
  const role = await admin.get(`/${realm}/clients/${String(id)}/roles/${name}`);
  const account = String((await serviceAccount(clientId, realm))['id']);
  await admin.post(`/${realm}/users/${account}/role-mappings/clients/${String(id)}`, [role]);
}

async function pathOf(what: 'client' | 'user' | 'policy'): Promise<string> {
  if (what === 'client') return `${REALM}/clients/${String((await client())['id'])}`;
  if (what === 'user') return `${REALM}/users/${String((await user())['id'])}`;
  return `${REALM}/components/${String((await policy('trusted-hosts'))['id'])}`;
}
