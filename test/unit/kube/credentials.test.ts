// Which kubeconfig is found, and what is made of it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { kubeConfigCredentials, loadKubeConfig } from '../../../src/kube/credentials.ts';

const directory = mkdtempSync(join(tmpdir(), 'kube-'));
after(() => rmSync(directory, { recursive: true }));

describe('the kubeconfig', () => {
  const { HOME, KUBECONFIG } = process.env;
  beforeEach(() => {
    process.env['HOME'] = directory;
    delete process.env['KUBECONFIG'];
  });
  afterEach(() => Object.assign(process.env, { HOME }, KUBECONFIG === undefined ? {} : { KUBECONFIG }));

  it('is that of KUBECONFIG, with its current context', () => {
    const file = join(directory, 'config.yaml');
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://api.example.com:6443/' } }],
      users: [{ name: 'u', user: { token: 'secret' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'team-a' } }],
      'current-context': 'x',
    };
    writeFileSync(file, JSON.stringify(config));
    process.env['KUBECONFIG'] = file;
    const loaded = loadKubeConfig();
    assert.equal(loaded.getCurrentCluster()?.name, 'c');
    assert.equal(loaded.getContextObject(loaded.getCurrentContext())?.namespace, 'team-a');
  });

  it('must be there: localhost:8080 is never meant', () => {
    assert.throws(loadKubeConfig, /no cluster: set KUBECONFIG/);
  });

  it('must name a cluster', () => {
    assert.throws(() => kubeConfigCredentials(new KubeConfig()), /no current cluster/);
  });
});

describe('credentials', () => {
  const of = (user: object, cluster: object = {}) => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'c', server: 'https://api.example.com:6443/', skipTLSVerify: false, ...cluster },
      { name: 'u', ...user },
    );
    return kubeConfigCredentials(config);
  };

  it('are a bearer token, a name and a password, or another user’s name', async () => {
    assert.deepEqual((await of({ token: 'secret' }).access()).headers, { authorization: 'Bearer secret' });
    const basic = Buffer.from('eitan:test').toString('base64');
    assert.deepEqual((await of({ username: 'eitan', password: 'test' }).access()).headers, {
      authorization: `Basic ${basic}`,
    });
    assert.deepEqual((await of({ impersonateUser: 'eitan' }).access()).headers, {
      'impersonate-user': 'eitan',
    });
  });

  it('are read each time, over the same connections', async () => {
    const credentials = of({ token: 'secret' });
    const [one, two] = [await credentials.access(), await credentials.access()];
    assert.equal(one.dispatcher, two.dispatcher);
    assert.equal(one.server, 'https://api.example.com:6443', 'without the slash that paths begin with');
    await credentials.close();
    await of({}).close();
  });

  it('go through an HTTP proxy, and refuse one that they cannot use', async () => {
    const proxied = await of({}, { proxyUrl: 'http://proxy.example.com:3128' }).access();
    assert.equal(proxied.dispatcher.constructor.name, 'ProxyAgent');
    await assert.rejects(
      of({}, { proxyUrl: 'socks5://proxy.example.com' }).access(),
      /SOCKS proxies are not supported/,
    );
  });

  it('are never sent over plain HTTP', async () => {
    await assert.rejects(
      of({ token: 'secret' }, { server: 'http://api.example.com' }).access(),
      /HTTP protocol is not allowed/,
    );
  });
});
