// The cluster that e2e tests run on: what can be done with it and to it. `provider()` says who provides it.
import { setTimeout as sleep } from 'node:timers/promises';
import { bare } from './bare.ts';
import { bundle, image, imageName, programs, type Program } from './images.ts';
import { kind, kindIsAvailable } from './kind.ts';
import { SettingError, type Component, type ExecOptions, type Image, type Provider } from './provider.ts';
import { run } from './run.ts';
import { simulatedNode } from './simulated-node.ts';

export { imageName } from './images.ts';
export type { Program } from './images.ts';
export { COMPONENTS } from './provider.ts';
export type { Component, ExecOptions, Image, Provider } from './provider.ts';

let chosen: Provider | undefined;

/** kind where Docker answers and kind is installed, else the bare one; CLUSTER_PROVIDER=kind|bare decides otherwise. */
export function provider(): Provider {
  return (chosen ??= choose(process.env.CLUSTER_PROVIDER));
}

function choose(wanted: string | undefined): Provider {
  if (wanted === 'kind') return kind();
  if (wanted === 'bare') return bare();
  if (wanted) throw new SettingError(`CLUSTER_PROVIDER is ${wanted}; it may be kind or bare`);
  return kindIsAvailable() ? kind() : bare();
}

/** Idempotent; returns when the node is ready and cluster DNS answers. */
export const up = (): Promise<void> => provider().up();

/** Removes what `up` made and nothing else. */
export const down = (): Promise<void> => provider().down();

/** Path of the administrator's kubeconfig. */
export const kubeconfig = (): string => provider().kubeconfig;

/** Environment for kubectl, helm and helm4 as child processes. */
export function environment(): Readonly<Record<string, string>> {
  const { bin, variables } = provider();
  return bin ? { ...variables, PATH: `${bin}:${process.env.PATH ?? ''}` } : variables;
}

export function kubectl(args: readonly string[], options: { input?: string } = {}): Promise<string> {
  return run('kubectl', args, { ...options, env: environment() });
}

/** Bundles programs of this project, builds their images and puts them on the node; returns the images' names. */
export async function load(names: readonly Program[] = programs(), tag?: string): Promise<string[]> {
  const base = await provider().baseImage();
  await bundle(names);
  for (const name of names) await provider().load(image(name, base, tag));
  return names.map((name) => imageName(name, tag));
}

/** Builds any other image that a test needs; its Dockerfile may say `ARG BASE` to get the base image with Node. */
export async function loadImage(given: Image): Promise<void> {
  const base = await provider().baseImage();
  await provider().load({ ...given, buildArguments: { BASE: base, ...given.buildArguments } });
}

/** The image that manifests/keycloak names; where nothing can be pulled, it is made from Keycloak's own distribution. */
export const loadKeycloak = (): Promise<void> => provider().loadKeycloak();

/** Exactly this many simulated nodes, kwok-0 and on, beside the real one. A pod needs the toleration kwok.x-k8s.io/node. */
export async function simulate(count: number): Promise<void> {
  if (count > 0) await provider().startSimulator();
  const wanted = Array.from({ length: count }, (_, index) => simulatedNode(index));
  const present = await simulatedNodes();
  const extra = present.filter(({ name }) => !wanted.some((node) => node.metadata.name === name));
  const missing = wanted.filter((node) => !present.some(({ name }) => name === node.metadata.name));
  if (extra.length > 0) await kubectl(['delete', 'node', '--wait=false', ...extra.map(({ name }) => name)]);
  if (missing.length > 0) {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: missing });
    await kubectl(['create', '--filename=-'], { input });
  }
  // Not `kubectl wait`: it watches the nodes one after the other.
  await eventually('all simulated nodes are ready', async () => {
    const nodes = await simulatedNodes();
    if (nodes.length !== count || !nodes.every(({ ready }) => ready)) throw new Error('not yet');
  });
  if (count === 0) await provider().stopSimulator();
}

async function simulatedNodes(): Promise<{ name: string; ready: boolean }[]> {
  const line = '{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}';
  const template = `--output=jsonpath={range .items[*]}${line}{"\\n"}{end}`;
  const lines = (await kubectl(['get', 'nodes', '--selector=type=kwok', template]))
    .split('\n')
    .filter(Boolean);
  return lines.map((text) => ({ name: text.split(' ')[0] ?? '', ready: text.endsWith(' True') }));
}

/** SIGKILL; it stays down until `start`. */
export const kill = (component: Component): Promise<void> => provider().kill(component);

export const start = (component: Component): Promise<void> => provider().start(component);

/** The API server dies as if its machine lost power; clients see connections reset, then refused. */
export const killApiServer = (): Promise<void> => kill('kube-apiserver');

/** Starts the API server again; returns when it is ready. */
export async function startApiServer(): Promise<void> {
  await start('kube-apiserver');
  await apiServerReady();
}

/**
 * Kills the API server and starts it again; returns when it is ready.
 * Its watch cache starts empty, so a watch from a version before gets 410 Gone.
 */
export async function restartApiServer(): Promise<void> {
  await killApiServer();
  await startApiServer();
}

async function apiServerReady(): Promise<void> {
  await eventually('the API server is ready', () =>
    kubectl(['get', '--raw=/readyz', '--request-timeout=2s']),
  );
}

/** Tries until it does not throw, for two minutes. */
async function eventually(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (cause) {
      if (Date.now() > deadline) throw new Error(`gave up waiting until ${what}`, { cause });
      await sleep(200);
    }
  }
}

/**
 * Forgets all history of etcd but the newest revision, which it returns.
 * The API server still has its own in its watch cache: followed by restartApiServer(), a `continue` token from before
 * gets 410 Gone.
 */
export const compactEtcd = (): Promise<number> => provider().compactEtcd();

/** Runs a command in the node's network namespace; returns what it printed, and throws when it fails. */
export const exec = (command: string, args: readonly string[], options?: ExecOptions): Promise<string> =>
  provider().exec(command, args, options);

/** This machine's address as pods see it, and the node's as this machine sees it. */
export const addresses = (): Promise<{ readonly host: string; readonly node: string }> =>
  provider().addresses();

const FAULTS = 'ip protected_mcp_faults';

/** Declares the table if it is not there; what is blocked stays blocked. */
const FAULT_TABLE = `
table ${FAULTS} {
  set addresses { type ipv4_addr; }
  set sockets { type ipv4_addr . inet_service; }
  chain input { type filter hook input priority filter - 10; }
  chain forward { type filter hook forward priority filter - 10; }
  chain output { type filter hook output priority filter - 10; }
}
${['input', 'forward', 'output']
  .map(
    (chain) => `
flush chain ${FAULTS} ${chain}
add rule ${FAULTS} ${chain} ip saddr @addresses drop
add rule ${FAULTS} ${chain} ip daddr @addresses drop
add rule ${FAULTS} ${chain} ip saddr . tcp dport @sockets drop
add rule ${FAULTS} ${chain} ip daddr . tcp sport @sockets drop`,
  )
  .join('')}
`;

/**
 * Drops every packet between the node (its pods too) and an IPv4 address, running connections included: a silent partition.
 * With a port, only what that address sends to the port, and the answers: block(podIp, 6443) takes the API server from one pod.
 */
export async function block(address: string, port?: number): Promise<void> {
  await nft(`${FAULT_TABLE}add element ${FAULTS} ${element(address, port)}`);
}

/** Undoes `block`; without an address, every one. Unblocking what is not blocked does nothing. */
export async function unblock(address?: string, port?: number): Promise<void> {
  if (address === undefined) return nft(`table ${FAULTS}\ndelete table ${FAULTS}`);
  const which = `${FAULTS} ${element(address, port)}`;
  return nft(`${FAULT_TABLE}add element ${which}\ndelete element ${which}`);
}

function element(address: string, port: number | undefined): string {
  return port === undefined ? `addresses { ${address} }` : `sockets { ${address} . ${port} }`;
}

async function nft(commands: string): Promise<void> {
  await exec('nft', ['--file', '-'], { input: `${commands}\n` });
}
