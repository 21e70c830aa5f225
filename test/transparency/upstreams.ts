// The MCP servers that are put behind the sidecar, on three libraries that are not ours, each as a process.
import { join } from 'node:path';
import project from '../../package.json' with { type: 'json' };
import { FASTMCP_VERSION, PYTHON_SDK_VERSION, python } from '../fastmcp/python.ts';
import { freePorts } from '../kit/free-ports.ts';
import { ServerProcess } from '../kit/server-process.ts';

/** No telemetry, no questions, no one's settings, and nothing written beside the scripts. */
const QUIET = {
  FASTMCP_CHECK_FOR_UPDATES: 'off',
  FASTMCP_ENV_FILE: '/nonexistent',
  NO_COLOR: '1',
  PYTHONDONTWRITEBYTECODE: '1',
};

export interface Upstream {
  /** Library and version. */
  readonly name: string;
  readonly script: string;
  /** What runs the script. */
  readonly program: () => Promise<string>;
}

const pythonProgram = async () => (await python()).program;

export const FASTMCP: Upstream = {
  name: `FastMCP ${FASTMCP_VERSION}`,
  script: 'fastmcp_server.py',
  program: pythonProgram,
};

export const PYTHON_SDK: Upstream = {
  name: `Python SDK ${PYTHON_SDK_VERSION}`,
  script: 'python_sdk.py',
  program: pythonProgram,
};

export const TYPESCRIPT_SDK: Upstream = {
  name: `TypeScript SDK ${project.dependencies['@modelcontextprotocol/server']}`,
  script: 'typescript-sdk.ts',
  program: () => Promise.resolve(process.execPath),
};

export async function startUpstream({ name, script, program }: Upstream): Promise<ServerProcess> {
  const [port = 0] = await freePorts(1);
  const args = [join(import.meta.dirname, 'servers', script)];
  const env = { ...QUIET, PORT: String(port) };
  return ServerProcess.start({ name, program: await program(), args, port, env });
}
