// The realm program as a process: exit codes, what goes to which stream, the CA file, signals. What a run does with
// Keycloak's answers is in test/unit/realm.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { runProgram } from '../keycloak/realm-program.ts';
import { selfSigned } from '../kit/certificate.ts';

const MAIN = join(import.meta.dirname, '../../src/realm/main.ts');
const PASSWORD = 'password-of-this-test';

let directory: string;
let server: Server;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'realm-program-'));
  const certificate = await selfSigned();
  server = createServer(certificate, (_request, response) => response.writeHead(503).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await writeFile(join(directory, 'ca.crt'), certificate.cert);
  await writeFile(join(directory, 'other.crt'), (await selfSigned()).cert);
  await writeFile(join(directory, 'username'), 'admin');
  await writeFile(join(directory, 'password'), PASSWORD);
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

/** @returns the arguments for a configuration with these settings of `keycloak` */
async function configured(keycloak: Record<string, unknown>): Promise<string[]> {
  const config = {
    keycloak: {
      url: `https://localhost:${(server.address() as AddressInfo).port}`,
      caFile: 'ca.crt',
      waitSeconds: 0,
      admin: { usernameFile: 'username', passwordFile: 'password' },
      ...keycloak,
    },
    realm: 'r',
    audiences: [{ scope: 'a', audience: 'a' }],
  };
  await writeFile(join(directory, 'config.yaml'), stringify(config));
  return ['--config', join(directory, 'config.yaml')];
}

describe('a run that fails', () => {
  it('trusts the CA file, writes one line to standard error, and ends with the code of the failure', async () => {
    const { code, lines, stderr } = await runProgram(await configured({}));
    assert.match(stderr, /^cannot reach Keycloak at \S+: gave up after \d+ s .* returned 503\n$/);
    assert.deepEqual({ code, lines }, { code: 3, lines: [] });
    assert.doesNotMatch(stderr, new RegExp(PASSWORD));
  });

  it('with a certificate that the CA file does not vouch for: exit code 4, at once', async () => {
    const { code, stderr } = await runProgram(await configured({ caFile: 'other.crt', waitSeconds: 60 }));
    assert.match(stderr, /^the certificate of \S+ is not trusted \(\w+\): set keycloak\.caFile to .*\n$/);
    assert.equal(code, 4);
  });
});

it('a signal ends the run: exit code 143, and what to do', async () => {
  const args = await configured({ waitSeconds: 60 });
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  assert.match(line.toString(), /^waiting for Keycloak at \S+: GET \S+ returned 503\n$/);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual({ code, stderr }, { code: 143, stderr: 'stopped before completion; run again\n' });
});

describe('the command line', () => {
  it('--help lists the options and the exit codes', async () => {
    const { code, lines } = await runProgram(['--help']);
    assert.equal(code, 0);
    assert.match(lines.join('\n'), /--dry-run[^]*Exit codes/);
  });

  it('an option that is not there: exit code 2', async () => {
    const { code, stderr } = await runProgram(['--password=x']);
    assert.equal(code, 2);
    assert.equal(stderr, "Unknown option '--password'; --help lists the options\n");
  });

  it('a configuration that is not there: exit code 2', async () => {
    const { code, stderr } = await runProgram(['--config', '/nowhere.yaml']);
    assert.equal(code, 2);
    assert.equal(stderr, '/nowhere.yaml: 1 problem(s)\n  cannot be read: ENOENT\n');
  });
});
