// From `kubectl apply` to a tool call, and back to nothing.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { addresses, kubectl } from '../cluster/cluster.ts';
import { waitFor } from './support/wait.ts';
import { ECHO, LIST_TOOLS, World } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.create();
});
after(() => world.destroy());

describe('a ProtectedMcpServer', () => {
  it('is Ready within 30 s', async () => {
    const startedAt = Date.now();
    await world.apply(world.echo());
    await world.until('Ready', 'True', 30_000);
    process.stdout.write(`Ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
  });

  it('refuses a call without a token and points to its metadata', async () => {
    const refused = await world.call();
    assert.equal(refused.status, 401);
    const url = /resource_metadata="([^"]+)"/.exec(refused.headers['www-authenticate'] ?? '')?.[1];
    assert.equal(url, `https://echo.${world.namespace}.svc:8001/.well-known/oauth-protected-resource/mcp`);
    const metadata = await world.call({ method: 'GET', path: new URL(url ?? '').pathname });
    assert.deepEqual(JSON.parse(metadata.body), {
      resource: `https://echo.${world.namespace}.svc:8001/mcp`,
      authorization_servers: [world.issuer.issuer],
      scopes_supported: ['echo-mcp-server'],
      bearer_methods_supported: ['header'],
    });
  });

  it('serves a tool call with a good token, and refuses a bad one', async () => {
    const answer = await world.call({ token: world.issuer.token() });
    assert.equal(answer.status, 200, answer.body);
    assert.match(answer.body, /hello hello /);
    const expired = world.issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) - 3600 } });
    assert.equal((await world.call({ token: expired })).status, 401);
  });

  it('answers another pod under its in-cluster name', async () => {
    const script = `
      const https = require('node:https');
      const ca = require('node:fs').readFileSync('/ca/ca.crt');
      const url = 'https://echo.${world.namespace}.svc:8001/mcp';
      const send = (url, method, body, token) => new Promise((resolve, reject) => {
        const headers = { Accept: 'application/json, text/event-stream', 'Content-Type': 'application/json', ...(token && { Authorization: 'Bearer ' + token }) };
        const req = https.request(url, { method, ca, headers }, (res) => {
          let text = '';
          res.on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: res.statusCode, challenge: res.headers['www-authenticate'], text }));
        });
        req.on('error', reject).end(body);
      });
      (async () => {
        const refused = await send(url, 'POST', process.env.ECHO);
        const metadata = await send(/resource_metadata="([^"]+)"/.exec(refused.challenge)[1], 'GET');
        const tools = await send(url, 'POST', process.env.LIST_TOOLS, process.env.TOKEN);
        const echo = await send(url, 'POST', process.env.ECHO, process.env.TOKEN);
        console.log(JSON.stringify({ refused, metadata, tools, echo }));
        process.exit(0);
      })();`;
    await world.apply(clientPod(world.namespace, 'client', script, world.issuer.token()));
    await waitFor(
      async () => (await world.get('pod', 'client')).status.phase === 'Succeeded',
      'the client pod',
      60_000,
    );
    const { refused, metadata, tools, echo } = JSON.parse(await world.kubectl('logs', 'client'));
    assert.equal(refused.status, 401);
    assert.equal(JSON.parse(metadata.text).resource, `https://echo.${world.namespace}.svc:8001/mcp`);
    assert.match(tools.text, /"name":"echo"/);
    assert.match(echo.text, /hello hello /);
  });

  it('answers from outside by NodePort', async () => {
    const { node } = await addresses();
    const outside = world.echo((spec) => {
      spec.service = { type: 'NodePort' };
      spec.protectedResourceMetadata.resource = `https://${node}:8001/mcp`;
    }, 'outside');
    await world.apply(outside);
    await world.until('Ready', 'True', 60_000, 'outside');
    const { nodePort } = (await world.get('service', 'outside')).spec.ports[0];
    const target = { name: 'outside', address: node, port: nodePort, serverName: node };
    // Ready says that the pods serve. That every node forwards the port is kube-proxy's, and may come a moment later.
    const answers = () =>
      world
        .call(target)
        .then(() => true)
        .catch(() => false);
    await waitFor(answers, 'the NodePort to be forwarded');
    const refused = await world.call(target);
    assert.equal(refused.status, 401);
    const url = /resource_metadata="([^"]+)"/.exec(refused.headers['www-authenticate'] ?? '')?.[1] ?? '';
    const metadata = await world.call({ ...target, method: 'GET', path: new URL(url).pathname });
    assert.equal(JSON.parse(metadata.body).resource, `https://${node}:8001/mcp`);
    const token = world.issuer.token();
    assert.match((await world.call({ ...target, token, body: LIST_TOOLS })).body, /"name":"echo"/);
    assert.match((await world.call({ ...target, token })).body, /hello hello /);
    await world.kubectl('delete', 'pmcp', 'outside');
  });

  it('reads well in kubectl get and explain', async () => {
    const [header = '', row = ''] = (await world.kubectl('get', 'pmcp')).split('\n');
    assert.match(header, /^NAME\s+READY\s+URL\s+AGE/);
    assert.match(row, new RegExp(`^echo\\s+True\\s+https://echo\\.${world.namespace}\\.svc:8001/mcp`));
    const explained = await kubectl(['explain', 'pmcp.spec.authentication']);
    for (const field of ['issuers', 'clockSkew', 'claimToHeaders', 'forwardOriginalToken'])
      assert.match(explained, new RegExp(field));
    assert.doesNotMatch(explained, /<empty>/);
  });

  it('leaves nothing when it is deleted', async () => {
    await world.kubectl('delete', 'pmcp', 'echo');
    const kinds = [
      'deployment',
      'service',
      'configmap',
      'secret',
      'serviceaccount',
      'networkpolicy',
      'poddisruptionbudget',
      'pod',
    ];
    const left = async () => {
      const all = await Promise.all(kinds.map((kind) => world.list(kind, 'app.kubernetes.io/instance=echo')));
      return all.flat().map((object) => `${object.kind}/${object.metadata.name}`);
    };
    await waitFor(async () => (await left()).length === 0, 'everything to be gone', 90_000);
  });
});

function clientPod(namespace: string, name: string, script: string, token: string) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'client',
          image: 'mcp-echo-server:0.1.0',
          command: ['node', '-e', script],
          env: Object.entries({ ECHO, LIST_TOOLS, TOKEN: token }).map(([key, value]) => ({
            name: key,
            value,
          })),
          volumeMounts: [{ name: 'ca', mountPath: '/ca' }],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
      volumes: [{ name: 'ca', configMap: { name: 'echo-ca' } }],
    },
  };
}
