// What people type wrong: each case is answered with what to do, exit code 2, and nothing started or left behind.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { portProblems } from '../../src/local/ports.ts';
import { freePorts } from '../kit/free-ports.ts';
import { choosePorts, LocalMode, runToEnd, type Ports, type Settings } from '../support/local-mode.ts';

/** Ten mistakes in one file. */
const WRONG = `
apiVersion: protectedmcp.dev/v1alpha1
kind: ProtectedMcpServer
metadata: { name: Echo_1 }
spec:
  server: { image: mcp-echo-server:0.1.0, port: 8001, path: mcp, colour: red }
  protectedResourceMetadata: { resource: 'http://localhost:8001/mcp' }
  authentication:
    issuers:
      - issuer: http://localhost:8443/realms/my-realm
        audiences: []
        algorithms: [HS256]
    clockSkew: soon
  network: { allowedOrigins: ['*'] }
`;

interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** Each must be found in the output. */
  readonly says: readonly RegExp[];
}

const rows: Row[] = [
  {
    name: 'a resource with many problems: all of them, each with its place',
    args: ['wrong.yaml'],
    files: { 'wrong.yaml': WRONG },
    says: [
      /^wrong\.yaml:\d+:\d+: metadata\.name must be a DNS label/m,
      /^wrong\.yaml:6:\d+: spec\.server\.port: must not be 8001/m,
      /^wrong\.yaml:6:\d+: spec\.server\.path: must be a plain path/m,
      /^wrong\.yaml:6:\d+: spec\.server\.colour: unknown field/m,
      /^wrong\.yaml:7:\d+: spec\.protectedResourceMetadata\.resource: must start with https:\/\//m,
      /^wrong\.yaml:10:\d+: spec\.authentication\.issuers\[0\]\.issuer: must start with https:\/\//m,
      /^wrong\.yaml:11:\d+: spec\.authentication\.issuers\[0\]\.audiences: name at least one audience/m,
      /^wrong\.yaml:12:\d+: spec\.authentication\.issuers\[0\]\.algorithms\[0\]: must be one of/m,
      /^wrong\.yaml:13:\d+: spec\.authentication\.clockSkew: must be a duration/m,
      /^wrong\.yaml:14:\d+: spec\.network\.allowedOrigins\[0\]: must not hold \*/m,
    ],
  },
  {
    name: 'an unknown option, and which there are',
    args: ['--colour', 'red'],
    says: [/^Unknown option '--colour'$/m, /^ {2}--upstream URL/m],
  },
  {
    name: 'several wrong options at once',
    args: ['--admin-port', 'x', '--upstream', 'example.com', '--audience', 'a'],
    says: [/^--admin-port x: /m, /^--upstream example\.com: /m, /^--audience requires --issuer$/m],
  },
  {
    name: 'files that cannot be read, each by name',
    args: ['one.yaml', 'two.yaml', '.'],
    says: [/^one\.yaml: no such file$/m, /^two\.yaml: no such file$/m, /^\.: is a directory$/m],
  },
  {
    name: 'no YAML, and another kind',
    args: ['a.yaml', 'b.yaml'],
    files: {
      'a.yaml': 'a: [b\n c: d',
      'b.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\n',
    },
    says: [
      /^a\.yaml:\d+:\d+: YAML: /m,
      /^b\.yaml:2:7: kind: "Deployment" is not supported; supported kinds: ProtectedMcpServer/m,
    ],
  },
];

/** Good resources that cannot be run here, and options that do not go with them. */
const unfit: { name: string; settings: Settings; says: readonly RegExp[] }[] = [
  {
    name: 'a resource that needs what is not here: all of it, with what to do',
    settings: {
      fields: {
        'spec.server.image': 'example.com/weather:1',
        'spec.tls.secretName': 'echo-tls',
        'spec.authentication.issuers[0].jwks.caBundleRef': {
          kind: 'ConfigMap',
          name: 'idp-ca',
          key: 'ca.crt',
        },
      },
    },
    says: [
      /^server\.yaml: spec\.server\.image: "example\.com\/weather:1" is a container image.*--upstream.*spec\.server\.command$/m,
      /^server\.yaml: spec\.tls\.secretName: add the Secret "echo-tls" with tls\.crt and tls\.key/m,
      /^server\.yaml: spec\.authentication\.issuers\[0\]\.jwks\.caBundleRef: add the ConfigMap "idp-ca" with the key "ca\.crt"/m,
    ],
  },
  {
    name: 'a CA file that is not there',
    settings: { args: ['--issuer', 'https://idp.example.com', '--audience', 'a', '--ca-file', 'no.pem'] },
    says: [/^no\.pem: no such file$/m],
  },
];

describe('bad input', { concurrency: 2 }, () => {
  for (const { name, args, files, says } of rows) {
    it(name, async () => {
      const { code, output } = await runToEnd(LocalMode.spawn(args, files));
      for (const pattern of says) assert.match(output, pattern);
      assert.equal(code, 2);
    });
  }

  for (const { name, settings, says } of unfit) {
    it(name, async () => {
      const { code, output } = await runToEnd(LocalMode.begin(settings));
      for (const pattern of says) assert.match(output, pattern);
      assert.equal(code, 2);
    });
  }
});

describe('taken ports', () => {
  const taken: Server[] = [];
  afterEach(async () => {
    await Promise.all(taken.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  /** @returns what it says; it must end by itself, with exit code 1 */
  const runOn = async (ports: Ports): Promise<string> => {
    const local = await LocalMode.begin({ ports });
    try {
      assert.equal((await local.exit()).code, 1);
      await local.assertCleanEnd();
      return local.output;
    } finally {
      await local.stop();
    }
  };

  it('are named with what they are for, all at once', async () => {
    const ports = await choosePorts();
    for (const port of Object.values(ports)) taken.push(await occupy(port));
    const output = await runOn(ports);
    for (const line of [
      `port ${ports.sidecar} is already in use; needed for .*spec\\.protectedResourceMetadata\\.resource`,
      `port ${ports.admin} is already in use; needed for .*--admin-port`,
      `port ${ports.server} is already in use; needed for .*spec\\.server\\.port`,
      `port ${ports.issuer} is already in use; needed for the authorization server`,
    ]) {
      assert.match(output, new RegExp(`^${line}`, 'm'));
    }
  });

  it('are named with both that need them where two are the same', async () => {
    const [port = 0] = await freePorts(1);
    const problems = await portProblems([
      { port, what: 'the sidecar' },
      { port, what: 'the server' },
    ]);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', new RegExp(`port ${port} .*the sidecar.*the server`));
    assert.doesNotMatch(problems[0] ?? '', /another process/); // no other process has it: stopping something would not help
  });

  it('are named where only the IPv6 address is taken', async (t) => {
    const ports = await choosePorts();
    const server = await occupy(ports.issuer, '::1').catch(() => undefined);
    if (server === undefined) return t.skip('there is no IPv6 on this machine');
    taken.push(server);
    assert.match(await runOn(ports), new RegExp(`^port ${ports.issuer} is already in use`, 'm'));
  });
});

function occupy(port: number, host = '127.0.0.1'): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host }, () => resolve(server));
  });
}
