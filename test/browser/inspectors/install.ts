// The two lines of the MCP Inspector, from exact versions and lock files of their own: `npm ci` of the project stays small.
import { join } from 'node:path';
import { installLockedPackages } from '../../support/locked-packages.ts';

/** 1: the last with *Open Auth Settings*; 2: the current one. */
export type Line = 1 | 2;

/** The package's directory; installed into the user's cache when this lock file is not there yet. */
export async function installInspector(line: Line): Promise<string> {
  const source = join(import.meta.dirname, String(line));
  const home = await installLockedPackages(source, `inspectors/${line}`);
  return join(home, 'node_modules/@modelcontextprotocol/inspector');
}
