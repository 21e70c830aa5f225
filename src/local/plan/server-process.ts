// How to start the MCP server without an image: as the echo server, or by its command.
import type { Manifest } from '../../api/object.ts';
import type { EnvVar, ProtectedMcpServer } from '../../api/protected-mcp-server.gen.ts';
import { serverContainer } from '../../desired/containers.ts';
import { collect, combine, failure, map, success, type Result } from './result.ts';
import { lookup } from './stored-values.ts';

/** What local mode runs in place of an image that it knows. */
const ECHO_IMAGE = /(^|\/)mcp-echo-server(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/;

export type ServerProcess =
  | { readonly kind: 'echo'; readonly env: Environment }
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly env: Environment };

type Environment = Readonly<Record<string, string>>;

export function serverProcess(
  server: ProtectedMcpServer,
  objects: readonly Manifest[],
): Result<ServerProcess> {
  const process = combine({ program: program(server), env: environment(server, objects) });
  return map(process, ({ program, env }) => ({ ...program, env }));
}

type Program = { readonly kind: 'echo' } | { readonly kind: 'command'; readonly command: readonly string[] };

function program({ spec: { server } }: ProtectedMcpServer): Result<Program> {
  const { image, command, args = [] } = server;
  if (command !== undefined && command.length > 0)
    return success({ kind: 'command', command: [...command, ...args] });
  if (ECHO_IMAGE.test(image)) return success({ kind: 'echo' });
  return failure({
    path: 'spec.server.image',
    message:
      `"${image}" is a container image, but local mode runs processes: start the server yourself and use ` +
      '--upstream http://127.0.0.1:PORT/PATH, or set spec.server.command',
  });
}

/** What the container would have: HOST and PORT, and the variables of the resource. */
function environment(server: ProtectedMcpServer, objects: readonly Manifest[]): Result<Environment> {
  const given = server.spec.server.env ?? [];
  const { env } = serverContainer({ server, sidecarImage: '' });
  const variables = (env as EnvVar[]).map((variable) => {
    const index = given.findIndex(({ name }) => name === variable.name);
    return variableValue(variable, { path: `spec.server.env[${index}].valueFrom`, objects });
  });
  return map(collect(variables), (entries) => Object.fromEntries(entries.flat()));
}

interface Surroundings {
  readonly path: string;
  readonly objects: readonly Manifest[];
}

/** Name and value; nothing for an optional reference to what is not there. */
function variableValue(
  { name, value = '', valueFrom }: EnvVar,
  { path, objects }: Surroundings,
): Result<[name: string, value: string][]> {
  if (valueFrom === undefined) return success([[name, value]]);
  const { configMapKeyRef, secretKeyRef } = valueFrom;
  const reference = configMapKeyRef ?? secretKeyRef;
  const problem = `"${name}" has no value`;
  if (reference === undefined)
    return failure({
      path,
      message: `${problem}: the reference needs a pod; use "value", a ConfigMap or a Secret`,
    });
  const { key } = reference;
  const kind = configMapKeyRef ? 'ConfigMap' : 'Secret';
  const found = lookup(
    objects,
    { kind, name: reference.name ?? '', keys: [key] },
    { path, problem, alternative: 'use "value"' },
  );
  if (!found.ok && reference.optional === true) return success([]);
  return map(found, (values) => [[name, values[key] ?? '']]);
}
