// Local mode by what its options and files ask for: each case starts it and uses it as a client would.
import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, getCACertificates, setDefaultCACertificates, type PeerCertificate } from 'node:tls';
import { parseAllDocuments } from 'yaml';
import { fetchAccessToken } from '../../src/local/login/authorization-code.ts';
import { parseConfig } from '../../src/sidecar/config/config.ts';
import { selfSigned } from '../kit/certificate.ts';
import { startEmbeddedAuthorizationServer } from '../support/embedded-authorization-server.ts';
import { isFree } from '../kit/free-ports.ts';
import { TestIssuer } from '../kit/issuer.ts';
import { LocalMode, type Settings } from '../support/local-mode.ts';
import { RESULT, TestUpstream } from '../kit/upstream.ts';

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** A user's own MCP server, in one line: answers with what its environment says. */
const SERVER = `
const { HOST, PORT, GREETING, API_KEY } = process.env;
require('node:http').createServer((req, res) => {
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { HOST, PORT, GREETING, API_KEY } }));
}).listen(PORT, HOST);
`;

/** Starts it, uses it, ends it, and sees that nothing is left. */
async function withLocalMode(settings: Settings, use: (local: LocalMode) => Promise<void>): Promise<void> {
  const local = await LocalMode.start(settings);
  try {
    await use(local);
  } catch (error) {
    await local.stop();
    throw error;
  }
  await local.end();
}

/** A token as the person eitan gets it. */
async function token(issuer: string, scope: string, ca: string): Promise<string> {
  const login = { issuer, scope, ca, clientId: 'mcp-client', user: 'eitan', password: 'test' };
  return (await fetchAccessToken(login)).access_token;
}

async function metadataOf(local: LocalMode): Promise<Record<string, unknown>> {
  const url = new URL('/.well-known/oauth-protected-resource/mcp', local.url);
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

describe('npm start', { concurrency: 2 }, () => {
  it('--render prints the objects of a cluster, and starts and writes nothing', async () => {
    const local = await LocalMode.begin({ args: ['--render'] });
    try {
      assert.equal((await local.exit()).code, 0);
      const documents = parseAllDocuments(local.output);
      assert.ok(Array.isArray(documents));
      assert.deepEqual(
        documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
        [],
      );
      const objects = documents.map((document) => document.toJS() as KubeObject);
      for (const { apiVersion, kind, metadata } of objects) {
        assert.ok(
          apiVersion && kind && metadata.name === (kind === 'ConfigMap' ? 'echo-sidecar' : 'echo'),
          kind,
        );
      }
      const kinds = objects.map(({ kind }) => kind);
      for (const kind of ['ConfigMap', 'Deployment', 'NetworkPolicy', 'Service'])
        assert.ok(kinds.includes(kind), kind);
      const config = objects.find(({ kind }) => kind === 'ConfigMap')?.data?.['config.json'] ?? '';
      assert.equal(parseConfig(JSON.parse(config), 'config.json').resource, local.url);
      await assert.rejects(access(join(local.directory, '.local')));
      await local.assertNothingLeft();
    } finally {
      await local.stop();
    }
  });

  for (const host of ['127.0.0.1', '::1']) {
    it(`--upstream puts the sidecar before a server that already runs, on ${host}`, () =>
      beforeUpstream(host));
  }

  async function beforeUpstream(host: string): Promise<void> {
    const upstream = await TestUpstream.start(host);
    try {
      await withLocalMode({ args: ['--upstream', upstream.url] }, async (local) => {
        assert.ok(await isFree(local.ports.server), 'it started a server of its own');
        assert.equal((await local.post(PING)).status, 401);
        const good = await token(local.issuer, 'openid echo-mcp-server', await local.ca());
        const answer = await local.post(PING, good);
        assert.equal(await answer.text(), RESULT);
        assert.equal(upstream.requests.length, 1);
        assert.equal(upstream.requests[0]?.headers.authorization, undefined);
      });
    } finally {
      await upstream.close();
    }
  }

  it('--issuer uses an authorization server that already runs', async () => {
    const issuer = await startEmbeddedAuthorizationServer({ audiences: { weather: 'weather-api' } });
    const args = ['--issuer', issuer.issuer, '--audience', 'weather-api', '--scope', 'weather'];
    try {
      await withLocalMode(
        { args: [...args, '--ca-file', issuer.authority.certificateFile] },
        async (local) => {
          assert.ok(await isFree(local.ports.issuer), 'it started an authorization server of its own');
          const { authorization_servers, scopes_supported } = await metadataOf(local);
          assert.deepEqual(
            { authorization_servers, scopes_supported },
            { authorization_servers: [issuer.issuer], scopes_supported: ['weather'] },
          );
          const ca = issuer.authority.certificate;
          assert.equal(
            (await local.post(PING, await token(issuer.issuer, 'openid weather', ca))).status,
            200,
          );
          // Without the scope the token is for another audience: not ours.
          assert.equal((await local.post(PING, await token(issuer.issuer, 'openid', ca))).status, 401);
        },
      );
    } finally {
      await issuer.close();
    }
  });

  it('requires the scopes of the file, and its authorization server offers them', async () => {
    const fields = {
      'spec.authorization.requiredScopes': ['mcp:write'],
      'spec.protectedResourceMetadata.scopesSupported': undefined,
    };
    await withLocalMode({ fields }, async (local) => {
      assert.deepEqual((await metadataOf(local))['scopes_supported'], ['mcp:write']);
      const ca = await local.ca();
      const refused = await local.post(PING, await token(local.issuer, 'openid echo-mcp-server', ca));
      assert.equal(refused.status, 403);
      assert.match(
        refused.headers.get('www-authenticate') ?? '',
        /^Bearer error="insufficient_scope", scope="mcp:write", /,
      );
      assert.equal((await local.post(PING, await token(local.issuer, 'openid mcp:write', ca))).status, 200);
    });
  });

  it('takes command, environment, certificate and CA bundle from the files', async () => {
    const [certificate, issuerCertificate] = await Promise.all([selfSigned(), selfSigned()]);
    const issuer = await TestIssuer.start(issuerCertificate);
    const publicIssuer = 'https://idp.example.com/realms/weather'; // not reachable: its keys are elsewhere
    setDefaultCACertificates([...getCACertificates('default'), certificate.cert]);
    const settings: Settings = {
      fields: {
        'spec.server.image': 'example.com/weather:1',
        'spec.server.command': [process.execPath],
        'spec.server.args': ['-e', SERVER],
        'spec.server.env': [
          { name: 'GREETING', valueFrom: { configMapKeyRef: { name: 'settings', key: 'greeting' } } },
          { name: 'API_KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'api-key' } } },
        ],
        'spec.tls.secretName': 'echo-tls',
        'spec.authentication.issuers[0]': {
          issuer: publicIssuer,
          audiences: ['echo-mcp-server'],
          jwks: { uri: issuer.jwksUri, caBundleRef: { kind: 'ConfigMap', name: 'idp-ca', key: 'ca.crt' } },
        },
        'spec.authentication.issuers[0].issuer': publicIssuer,
      },
      objects: [
        object('ConfigMap', 'settings', { data: { greeting: 'hello' } }),
        object('Secret', 'keys', { stringData: { 'api-key': 'k-1' } }),
        object('ConfigMap', 'idp-ca', { data: { 'ca.crt': issuerCertificate.cert } }),
        object('Secret', 'echo-tls', {
          data: { 'tls.crt': base64(certificate.cert), 'tls.key': base64(certificate.key) },
        }),
      ],
    };
    try {
      await withLocalMode(settings, async (local) => {
        const { raw } = await peerCertificate(local.ports.sidecar, certificate.cert);
        assert.equal(raw.toString('base64'), certificate.cert.replace(/-----.*-----|\s/g, ''));
        const answer = await local.post(PING, issuer.token({ claims: { iss: publicIssuer } }));
        const { result } = (await answer.json()) as { result: unknown };
        const port = String(local.ports.server);
        assert.deepEqual(result, { HOST: '127.0.0.1', PORT: port, GREETING: 'hello', API_KEY: 'k-1' });
      });
    } finally {
      await issuer.close();
    }
  });
});

interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
}

function object(kind: string, name: string, rest: object): object {
  return { apiVersion: 'v1', kind, metadata: { name }, ...rest };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function peerCertificate(port: number, ca: string): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
