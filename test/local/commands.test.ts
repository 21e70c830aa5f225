// What local mode prints when it is ready can be pasted into a shell, as it stands, and does what it says.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LocalMode } from '../support/local-mode.ts';

const ROOT = join(import.meta.dirname, '../..');

interface PackageJson {
  scripts: Record<string, string>;
}

describe('printed commands', () => {
  let local: LocalMode;
  let commands: string[];
  before(async () => {
    local = await LocalMode.start();
    await local.waitForOutput(/Ctrl-C stops everything\./, 'the whole text');
    commands = printedCommands(local.output);
    await copyScripts(local.directory);
  });
  after(() => local.end());

  it('are three, after the line that says that all is ready', () => {
    assert.match(local.output, /^Ready in \d+\.\d s\.$/m);
    assert.match(local.output, new RegExp(`^  MCP endpoint +${local.url} `, 'm'));
    assert.equal(commands.length, 3);
  });

  it('show the 401 with its challenge', async () => {
    const output = await shell(commands[0], local.directory);
    assert.match(output, /^HTTP\/1\.1 401 /);
    const challenge = `Bearer scope="echo-mcp-server", resource_metadata="https://localhost:${local.ports.sidecar}/.well-known/oauth-protected-resource/mcp"`;
    assert.match(output, new RegExp(`^WWW-Authenticate: ${challenge}\\r$`, 'im'));
    assert.ok(output.endsWith('{"error":"invalid_token","error_description":"Authentication required"}'));
  });

  it('show the protected resource metadata', async () => {
    const metadata = JSON.parse(await shell(commands[1], local.directory)) as unknown;
    assert.deepEqual(metadata, {
      resource: local.url,
      authorization_servers: [local.issuer],
      scopes_supported: ['echo-mcp-server'],
      bearer_methods_supported: ['header'],
      resource_name: 'Echo',
    });
  });

  it('call the tool with a token', async () => {
    const output = await shell(commands[2], local.directory);
    assert.match(output, /"text":"hello hello hello "/);
  });
});

/** The commands in the text: they are indented and begin with `curl`; a backslash continues a line. */
function printedCommands(output: string): string[] {
  return [...output.matchAll(/^ {2}(curl (?:.*\\\n)*.*)$/gm)].map(([, command = '']) => command);
}

/** Runs it as a person would: pasted into bash, where local mode was started. @returns its standard output */
function shell(command: string | undefined, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-c', `set -o pipefail; ${command}`],
      { cwd, timeout: 30_000 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${command}\n${stderr}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });
}

/** Local mode runs in a directory of its own here; `npm run` there does what it does in the project. */
async function copyScripts(directory: string): Promise<void> {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as PackageJson;
  const here = Object.entries(scripts).map(([name, script]) => [
    name,
    script.replaceAll(' src/', ` ${ROOT}/src/`),
  ]);
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({ scripts: Object.fromEntries(here) as object }),
  );
}
