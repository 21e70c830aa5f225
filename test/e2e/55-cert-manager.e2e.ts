// spec.tls.issuerRef with cert-manager itself: its controllers and definitions, built from its Go module; no webhook.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { addresses, environment, kubeconfig, kubectl, provider } from '../cluster/cluster.ts';
import { waitFor } from './support/wait.ts';
import { restartOperator } from './support/operator.ts';
import { World, type Json } from './support/world.ts';

const { bin } = provider();
const skip = bin === undefined && 'only the bare provider builds cert-manager';
const definitions = join(bin ?? '', 'cert-manager-crds.yaml');
/** Kept out of the way of an issuer that the cluster has already. */
const SELF_SIGNED = 'protected-mcp-e2e';

describe('a certificate of cert-manager', { skip }, () => {
  let world: World;
  let certManager: CertManager | undefined;

  before(async () => {
    world = await World.create();
  });

  after(async () => {
    await world.destroy();
    await certManager?.stop();
    await kubectl(['delete', '--filename', definitions, '--ignore-not-found']);
    await restartOperator(); // it watches what is gone now
  });

  it('is missed where cert-manager is not installed', async () => {
    await world.apply(world.echo(issuedBy('Issuer', 'ca'), 'early'));
    const condition = await world.until('CertificateReady', 'False', 30_000, 'early');
    assert.equal(condition.reason, 'CertManagerNotInstalled');
    assert.match(condition.message, /install it, or leave spec\.tls out/);
    assert.equal((await world.until('Ready', 'False', 30_000, 'early')).reason, 'CertificateNotReady');
  });

  it('is requested once cert-manager is installed and the operator was started again', async () => {
    certManager = await CertManager.install();
    await restartOperator();
    const requested = async () => (await world.find('certificate', 'early-tls')) !== undefined;
    await waitFor(requested, 'the Certificate', 60_000);
  });

  it('is not there as long as its issuer is not', async () => {
    const says = async (pattern: RegExp) =>
      pattern.test((await world.condition('CertificateReady', 'early'))?.message ?? '');
    await waitFor(
      () =>
        says(
          /^cert-manager has not issued the certificate of Issuer "ca": .*does not exist.*describe certificaterequest/,
        ),
      'the reason',
      30_000,
    );
    assert.equal((await world.until('CertificateReady', 'False', 0, 'early')).reason, 'Pending');
    assert.equal((await world.until('Ready', 'False', 0, 'early')).reason, 'CertificateNotReady');
  });

  it('is there as soon as its issuer is', async () => {
    await world.apply(...authority(world.namespace));
    const condition = await world.until('CertificateReady', 'True', 60_000, 'early');
    assert.equal(condition.reason, 'Issued');
    await world.kubectl('delete', 'pmcp', 'early');
  });

  it('is what clients get, who trust its authority', async () => {
    await world.apply(world.echo(issuedBy('Issuer', 'ca')));
    await world.until('CertificateReady', 'True', 60_000);
    await world.until('Ready', 'True', 60_000);
    const ca = await authorityOf(world);
    assert.equal((await world.call({ ca })).status, 401);
    const answer = await world.call({ ca, token: world.issuer.token() });
    assert.equal(answer.status, 200, answer.body);
    assert.match(answer.body, /hello hello /);
    const certificate = await served(world, ca);
    assert.match(certificate.issuer, /CN=protected-mcp-e2e CA/);
    assert.equal(
      certificate.subjectAltName,
      ['echo.NS.svc', 'echo.NS.svc.cluster.local']
        .map((name) => `DNS:${name.replace('NS', world.namespace)}`)
        .join(', '),
    );
    assert.equal(
      await world.find('configmap', 'echo-ca'),
      undefined,
      "the operator's own authority has no part",
    );
  });

  it('is renewed while the server runs', async () => {
    const ca = await authorityOf(world);
    const [previous, pods, conditions] = await Promise.all([
      served(world, ca),
      podsOf(world),
      conditionTimes(world),
    ]);
    await renew(world);
    const isRenewed = async () => (await served(world, ca)).fingerprint256 !== previous.fingerprint256;
    await waitFor(isRenewed, 'the new certificate to be served', 150_000); // the kubelet looks once in a minute or so
    assert.equal((await world.call({ ca, token: world.issuer.token() })).status, 200);
    assert.deepEqual(await podsOf(world), pods, 'no pod was restarted');
    assert.deepEqual(await conditionTimes(world), conditions, 'no condition changed meanwhile');
  });

  it('is for an address, too, and from a ClusterIssuer', async () => {
    const { node } = await addresses();
    const outside = world.echo((spec) => {
      issuedBy('ClusterIssuer', SELF_SIGNED)(spec);
      spec.service = { type: 'NodePort' };
      spec.protectedResourceMetadata.resource = `https://${node}:8001/mcp`;
    }, 'outside');
    await world.apply(outside);
    await world.until('Ready', 'True', 60_000, 'outside');
    const { nodePort } = (await world.get('service', 'outside')).spec.ports[0];
    const ca = await authorityOf(world, 'outside'); // itself
    const answer = await world.call({
      name: 'outside',
      address: node,
      port: nodePort,
      serverName: node,
      ca,
      token: world.issuer.token(),
    });
    assert.equal(answer.status, 200, answer.body);
    await world.kubectl('delete', 'pmcp', 'outside');
  });

  it("gives way to the operator's own authority when the issuer is no longer named", async () => {
    await world.apply(world.echo());
    await waitFor(
      async () => (await world.find('certificate', 'echo-tls')) === undefined,
      'no Certificate',
      60_000,
    );
    await world.kubectl('rollout', 'status', 'deployment/echo', '--timeout=120s');
    await world.until('Ready', 'True', 60_000);
    await waitFor(
      async () => (await world.call()).status === 401,
      'a certificate of the own authority',
      60_000,
    );
    await world.apply(world.echo(issuedBy('Issuer', 'ca')));
    await waitFor(
      async () => (await world.find('certificate', 'echo-tls')) !== undefined,
      'a Certificate again',
      60_000,
    );
  });

  it('is not requested any more when the server is deleted', async () => {
    await world.kubectl('delete', 'pmcp', 'echo');
    const left = async () =>
      (await world.list('certificate')).map(({ metadata }) => metadata.name as string).join();
    await waitFor(async () => (await left()) === 'ca', "only the authority's Certificate to be left", 60_000);
  });
});

/** The real controllers as a process of this machine, with the administrator's rights. */
class CertManager {
  readonly #child: ChildProcess;
  #log = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    child.once('exit', (code) => {
      if (code !== 0) process.stdout.write(`cert-manager ended with ${code}:\n${this.#log.slice(-2000)}\n`);
    });
  }

  static async install(): Promise<CertManager> {
    // Not a plain apply: the definitions are larger than the annotation that it would make.
    await kubectl(['apply', '--server-side', '--filename', definitions]);
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '--filename', definitions]);
    const child = spawn('cert-manager-controller', ['--kubeconfig', kubeconfig(), '-v=2'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment() },
    });
    await once(child, 'spawn');
    return new CertManager(child);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

function issuedBy(kind: 'Issuer' | 'ClusterIssuer', name: string): (spec: Json) => void {
  return (spec) => {
    spec.tls = { issuerRef: { kind, name } };
  };
}

/** An authority as cert-manager's manual makes one: a self-signed certificate, and an Issuer that signs with it. */
function authority(namespace: string): Json[] {
  const apiVersion = 'cert-manager.io/v1';
  return [
    { apiVersion, kind: 'ClusterIssuer', metadata: { name: SELF_SIGNED }, spec: { selfSigned: {} } },
    {
      apiVersion,
      kind: 'Certificate',
      metadata: { name: 'ca', namespace },
      spec: {
        isCA: true,
        commonName: 'protected-mcp-e2e CA',
        secretName: 'ca',
        privateKey: { algorithm: 'ECDSA', size: 256 },
        issuerRef: { kind: 'ClusterIssuer', name: SELF_SIGNED },
      },
    },
    { apiVersion, kind: 'Issuer', metadata: { name: 'ca', namespace }, spec: { ca: { secretName: 'ca' } } },
  ];
}

/** Who signed a server's certificate, from the Secret that cert-manager wrote. */
async function authorityOf(world: World, name = 'echo'): Promise<string> {
  const { data } = await world.get('secret', `${name}-cert-manager-tls`);
  return Buffer.from(data['ca.crt'] as string, 'base64').toString();
}

/** What `cmctl renew` does. */
async function renew(world: World): Promise<void> {
  const issuing = {
    type: 'Issuing',
    status: 'True',
    reason: 'ManuallyTriggered',
    message: 'renewed by a test',
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  const patch = JSON.stringify([{ op: 'add', path: '/status/conditions/-', value: issuing }]);
  await world.kubectl(
    'patch',
    'certificate',
    'echo-tls',
    '--subresource=status',
    '--type=json',
    `--patch=${patch}`,
  );
}

/** The certificate that a client gets who trusts `ca`. */
async function served(world: World, ca: string): Promise<X509Certificate> {
  const host = await world.serviceAddress();
  const socket = connect({ host, port: 8001, servername: `echo.${world.namespace}.svc`, ca });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(10_000) });
    const certificate = socket.getPeerX509Certificate();
    assert.ok(certificate);
    return certificate;
  } finally {
    socket.destroy();
  }
}

async function podsOf(world: World): Promise<unknown> {
  const pods = await world.list('pod', 'app.kubernetes.io/instance=echo');
  return pods.map(({ metadata, status }) => ({
    uid: metadata.uid as string,
    restarts: (status.containerStatuses as Json[]).map(({ restartCount }) => restartCount as number),
  }));
}

async function conditionTimes(world: World): Promise<unknown> {
  const { status } = await world.get('pmcp', 'echo');
  return (status.conditions as Json[]).map((condition) => [
    condition.type,
    condition.status,
    condition.lastTransitionTime,
  ]);
}
