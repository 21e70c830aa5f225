// The images of this project: which program is in which, and how they are built. The Dockerfile says what is in them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import type { Image } from './provider.ts';
import { run } from './run.ts';

const root = join(import.meta.dirname, '..', '..');

export const IMAGES = {
  operator: 'protected-mcp-operator',
  sidecar: 'protected-mcp-sidecar',
  echo: 'mcp-echo-server',
  realm: 'keycloak-realm',
} as const;
export type Program = keyof typeof IMAGES;

export function isProgram(name: string): name is Program {
  return Object.hasOwn(IMAGES, name);
}

/** All programs that are written. */
export function programs(): Program[] {
  return Object.keys(IMAGES)
    .filter(isProgram)
    .filter((program) => existsSync(join(root, `src/${program}/main.ts`)));
}

/** An image's name, such as mcp-echo-server:0.1.0. The tag is never `latest`: the kubelet would try to pull it. */
export function imageName(program: Program, tag: string = packageJson.version): string {
  return `${IMAGES[program]}:${tag}`;
}

export function image(program: Program, base: string, tag?: string): Image {
  return {
    name: imageName(program, tag),
    context: root,
    dockerfile: join(root, 'Dockerfile'),
    target: program,
    buildArguments: { BASE: base },
  };
}

/** Programs that travel in another's image: the chart's test, the certificate of the development Keycloak. */
const COMPANIONS: Partial<Record<Program, string>> = {
  operator: 'helm-test',
  realm: 'development-certificate',
};

/** Makes dist/<program>.mjs of each, and of what travels with it. */
export async function bundle(names: readonly Program[]): Promise<void> {
  const bundles = names.flatMap((name) => [name, ...(COMPANIONS[name] ? [COMPANIONS[name]] : [])]);
  await run(process.execPath, [join(root, 'scripts/bundle.ts'), ...bundles]);
}
