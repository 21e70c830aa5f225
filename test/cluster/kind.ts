// A cluster by kind, where a Docker engine answers. The network plugin of kind enforces NetworkPolicy since v0.24.
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { SettingError, type Component, type ExecOptions, type Image, type Provider } from './provider.ts';
import { run, succeeds } from './run.ts';

const NAME = 'protected-mcp';
const NODE = `${NAME}-control-plane`;
const KWOK = 'https://github.com/kubernetes-sigs/kwok/releases/download/v0.8.0';
const ETCD_KEYS = '/etc/kubernetes/pki/etcd';

export function kindIsAvailable(): boolean {
  return succeeds('docker', ['info']) && succeeds('kind', ['version']);
}

export function kind(): Provider {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const kubeconfig = join(cache, 'protected-mcp', 'cluster', 'kind', 'kubeconfig');
  const variables = { KUBECONFIG: kubeconfig };
  const kubectl = (args: readonly string[]) => run('kubectl', args, { env: variables });
  const onNode = (args: readonly string[]) => run('docker', ['exec', NODE, ...args]);
  const exists = async () => (await run('kind', ['get', 'clusters'])).split('\n').includes(NAME);

  async function etcdctl(args: readonly string[]): Promise<string> {
    const keys = ['ca.crt', 'server.crt', 'server.key'].map((file) => `${ETCD_KEYS}/${file}`);
    const flags = ['--cacert', '--cert', '--key'].map((flag, index) => `${flag}=${keys[index]}`);
    return kubectl(['-n', 'kube-system', 'exec', `etcd-${NODE}`, '--', 'etcdctl', ...flags, ...args]);
  }

  return {
    name: 'kind',
    kubeconfig,
    variables,
    bin: undefined,
    async up() {
      if (!succeeds('kubectl', ['version', '--client']))
        throw new SettingError('kubectl is not on PATH: install it to use kind');
      await mkdir(dirname(kubeconfig), { recursive: true });
      if (await exists())
        await run('kind', ['export', 'kubeconfig', '--name', NAME, '--kubeconfig', kubeconfig]);
      else {
        const create = ['create', 'cluster', '--name', NAME, '--kubeconfig', kubeconfig, '--wait', '180s'];
        await run('kind', create, { show: true });
      }
      await kubectl(['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=180s']);
    },
    async down() {
      await run('kind', ['delete', 'cluster', '--name', NAME, '--kubeconfig', kubeconfig], { show: true });
      await rm(dirname(kubeconfig), { recursive: true, force: true });
    },
    async status() {
      if (!(await exists())) return { up: false, lines: ['the cluster is not up'] };
      const ready = succeeds('kubectl', ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz']);
      return { up: ready, lines: [`kube-apiserver ${ready ? 'running' : 'stopped'}`] };
    },
    baseImage() {
      return Promise.resolve(process.env.CLUSTER_BASE_IMAGE ?? 'gcr.io/distroless/nodejs24-debian12:nonroot');
    },
    async load({ name, context, dockerfile, target, buildArguments = {} }: Image) {
      const values = Object.entries(buildArguments).map(([key, value]) => `--build-arg=${key}=${value}`);
      const stage = target ? [`--target=${target}`] : [];
      await run('docker', [
        'build',
        '--quiet',
        `--tag=${name}`,
        `--file=${dockerfile}`,
        ...stage,
        ...values,
        context,
      ]);
      await run('kind', ['load', 'docker-image', name, '--name', NAME]);
    },
    async loadKeycloak() {
      // The node pulls it when the first pod needs it.
    },
    async addresses() {
      const gateways = await run('docker', [
        'network',
        'inspect',
        'kind',
        '-f',
        '{{range .IPAM.Config}}{{.Gateway}} {{end}}',
      ]);
      const addresses = await onNode(['hostname', '-I']);
      const ipv4 = (text: string) => text.split(/\s+/).find((word) => /^\d+(\.\d+){3}$/.test(word)) ?? '';
      return { host: ipv4(gateways), node: ipv4(addresses) };
    },
    async startSimulator() {
      await kubectl(['apply', '-f', `${KWOK}/kwok.yaml`, '-f', `${KWOK}/stage-fast.yaml`]);
    },
    async stopSimulator() {
      await kubectl([
        'delete',
        '--ignore-not-found',
        '-f',
        `${KWOK}/stage-fast.yaml`,
        '-f',
        `${KWOK}/kwok.yaml`,
      ]);
    },
    // Without its manifest the kubelet does not start it again. It may have ended by itself before the signal.
    async kill(component: Component) {
      const end = `pkill -KILL -x ${component.slice(0, 15)} || true`;
      const [manifest, parked] = staticPod(component);
      await onNode([
        'sh',
        '-c',
        component === 'kubelet' ? 'systemctl stop kubelet' : `mv ${manifest} ${parked}; ${end}`,
      ]);
    },
    async start(component: Component) {
      const [manifest, parked] = staticPod(component);
      const start = `[ ! -f ${parked} ] || mv ${parked} ${manifest}`;
      await onNode(['sh', '-c', component === 'kubelet' ? 'systemctl start kubelet' : start]);
    },
    async compactEtcd() {
      const [status] = JSON.parse(await etcdctl(['endpoint', 'status', '--write-out=json'])) as [
        { Status: { header: { revision: number } } },
      ];
      const { revision } = status.Status.header;
      await etcdctl(['compact', String(revision), '--physical']);
      return revision;
    },
    exec(command: string, args: readonly string[], options: ExecOptions = {}) {
      const { env = {}, ...rest } = options;
      const variables = Object.entries(env).map(([name, value]) => `--env=${name}=${value}`);
      const stdin = options.input === undefined ? [] : ['--interactive'];
      return run('docker', ['exec', ...stdin, ...variables, NODE, command, ...args], rest);
    },
  };
}

/** Where kubeadm puts a component's manifest, and where it is out of the kubelet's sight. */
function staticPod(component: Component): readonly [string, string] {
  return [`/etc/kubernetes/manifests/${component}.yaml`, `/etc/kubernetes/${component}.yaml`];
}
