// What is measured: how each front end is started. All of them over TLS 1.3 with the same certificate, but "direct".
import { spawnSync } from 'node:child_process';
import { AUDIENCE } from '../test/kit/issuer.ts';
import type { Arena } from './arena.ts';
import { Child, type ChildOptions } from './child.ts';
import { startHaproxy } from './haproxy.ts';
import type { Address } from './messages.ts';

export const TARGET_NAMES = ['direct', 'bare', 'express', 'haproxy', 'sidecar', 'other'] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

export const TARGET_LABELS: Readonly<Record<TargetName, string>> = {
  direct: 'direct: plain HTTP, no proxy',
  bare: 'bare node:http proxy, no authorization',
  express: 'Express + SDK bearer auth + jose + http-proxy-middleware',
  haproxy: 'HAProxy with jwt_verify',
  sidecar: 'sidecar',
  other: 'sidecar of --compare',
};

const SIDECAR = new URL('../src/sidecar/main.ts', import.meta.url).pathname;

export interface RunningTarget {
  readonly name: TargetName;
  readonly address: Address;
  readonly process: Child;
}

interface Started {
  readonly process: Child;
  readonly port: number;
}

/** HAProxy takes part only where it is asked for by name. */
export const DEFAULT_TARGETS: readonly TargetName[] = ['direct', 'bare', 'express', 'sidecar'];

export function isAvailable(name: TargetName): boolean {
  return name !== 'haproxy' || spawnSync('haproxy', ['-v']).status === 0;
}

/** @param otherMain the sidecar's main.ts in another checkout */
export async function startTarget(name: TargetName, arena: Arena, otherMain: string): Promise<RunningTarget> {
  const { process, port } = await launch(name, arena, otherMain);
  return { name, process, address: { port, tls: name !== 'direct' } };
}

async function launch(name: TargetName, arena: Arena, otherMain: string): Promise<Started> {
  const { certificateFile, keyFile, upstreamPort, issuer, cores } = arena;
  const files = [certificateFile, keyFile, String(upstreamPort)];
  const options = {
    name: TARGET_LABELS[name],
    place: 'target',
    cores,
    env: { NODE_ENV: 'production' },
  } as const;
  switch (name) {
    case 'direct':
      return listening(Child.node(programFile('upstream'), [], options));
    case 'bare':
      return listening(Child.node(programFile('bare-proxy'), files, options));
    case 'express': {
      const args = [...files, issuer.issuer, AUDIENCE, issuer.jwksUri];
      const env = { ...options.env, NODE_EXTRA_CA_CERTS: certificateFile };
      return listening(Child.node(programFile('express-proxy'), args, { ...options, env }));
    }
    case 'haproxy':
      return startHaproxy(arena, options);
    case 'sidecar':
      return startSidecar(SIDECAR, arena.configFile, options);
    case 'other':
      return startSidecar(otherMain, arena.otherConfigFile, options);
    default:
      return name satisfies never;
  }
}

async function listening(process: Child): Promise<Started> {
  return { process, port: await process.listening() };
}

async function startSidecar(main: string, configFile: string, options: ChildOptions): Promise<Started> {
  const process = Child.node(main, [configFile], options);
  const [, port, adminPort] = await process.printed(/"port":(\d+),"adminPort":(\d+)/);
  await ready(`http://127.0.0.1:${adminPort}/readyz`);
  return { process, port: Number(port) };
}

async function ready(url: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const answer = await fetch(url);
    if (answer.ok) return;
    if (Date.now() > deadline) throw new Error(`the sidecar is not ready: ${await answer.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function programFile(name: string): string {
  return new URL(`./${name}.ts`, import.meta.url).pathname;
}
