// A real one-node cluster where no Docker engine answers: root on Debian 12, the scripts in bare/. docs/cluster.md explains it.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { KEYCLOAK_VERSION, keycloakHome } from '../keycloak/distribution.ts';
import { COMPONENTS, type Component, type ExecOptions, type Image, type Provider } from './provider.ts';
import { run } from './run.ts';

const scripts = join(import.meta.dirname, 'bare');
const SETTINGS = ['KUBECONFIG', 'KUBECACHEDIR', 'BIN', 'NAME', 'HOST_IP', 'NODE_IP'] as const;

const script = (name: string, args: readonly string[] = []) => run(join(scripts, name), args);

/** The scripts' own settings, so that no value is written down twice. */
function readSettings(): Record<(typeof SETTINGS)[number], string> {
  const print = `. "$0"; printf '%s\\n' ${SETTINGS.map((name) => `"$${name}"`).join(' ')}`;
  const output = execFileSync('bash', ['-c', print, join(scripts, 'settings.sh')], { encoding: 'utf8' });
  const values = output.split('\n');
  // Every name is given its value, in the order asked for.
  return Object.fromEntries(SETTINGS.map((name, index) => [name, values[index] ?? ''])) as Record<
    (typeof SETTINGS)[number],
    string
  >;
}

export function bare(): Provider {
  const settings = readSettings();

  const exec = (command: string, args: readonly string[], options?: ExecOptions) =>
    run('nsenter', [`--net=/run/netns/${settings.NAME}`, '--', command, ...args], options);

  return {
    name: 'bare',
    kubeconfig: settings.KUBECONFIG,
    variables: { KUBECONFIG: settings.KUBECONFIG, KUBECACHEDIR: settings.KUBECACHEDIR },
    bin: settings.BIN,
    async up() {
      await run(join(scripts, 'up.sh'), [], { show: true });
    },
    async down() {
      await run(join(scripts, 'down.sh'), [], { show: true });
    },
    async status() {
      const components = await script('component.sh', [
        'alive',
        ...COMPONENTS,
        'kube-proxy',
        'network-policy',
        'kwok',
      ]).catch(() => undefined);
      if (components === undefined) return { up: false, lines: ['the cluster is not up'] };
      return { up: !/^(?!kwok).* stopped$/m.test(components), lines: components.trim().split('\n') };
    },
    async baseImage() {
      const name = `localhost/node-base:${process.versions.node}`;
      await script('base-image.sh', [name, process.execPath]);
      return name;
    },
    async load({ name, context, dockerfile, target, buildArguments = {} }: Image) {
      const values = Object.entries(buildArguments).map(([key, value]) => `--build-arg=${key}=${value}`);
      await script('load.sh', [
        qualified(name),
        context,
        `--file=${dockerfile}`,
        ...(target ? [`--target=${target}`] : []),
        ...values,
      ]);
    },
    async loadKeycloak() {
      const name = `quay.io/keycloak/keycloak:${KEYCLOAK_VERSION}`;
      await script('keycloak-image.sh', [name, await keycloakHome()]);
    },
    addresses() {
      return Promise.resolve({ host: settings.HOST_IP, node: settings.NODE_IP });
    },
    async startSimulator() {
      await script('component.sh', ['start', 'kwok']);
    },
    async stopSimulator() {
      await script('component.sh', ['stop', 'kwok']);
    },
    async kill(component: Component) {
      await script('component.sh', ['kill', component]);
    },
    async start(component: Component) {
      await script('component.sh', ['start', component]);
    },
    async compactEtcd() {
      return Number(await exec(process.execPath, [join(scripts, 'compact-etcd.ts')]));
    },
    exec,
  };
}

/** The kubelet asks containerd for the full name: docker.io/library is what a short one means. */
function qualified(name: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length === 0) return `docker.io/library/${name}`;
  return /[.:]|^localhost$/.test(first) ? name : `docker.io/${name}`;
}
