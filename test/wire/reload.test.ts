// Files that change under a running sidecar: taken over without a restart, and what is under way lives on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:tls';
import { after, before, beforeEach, it } from 'node:test';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { assertRefused } from '../support/challenge.ts';
import { selfSigned } from '../kit/certificate.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { answerJson, openEventStream } from '../kit/upstream.ts';

let bed: TestBed;
let original: SidecarConfig;
before(async () => {
  bed = await TestBed.start();
  original = bed.config;
});
after(() => bed.stop());
beforeEach(async () => {
  bed.issuer.up = true;
  bed.upstream.script = answerJson;
  await takeOver({});
});

/** Changes the configuration file and waits until the change is in force. */
async function takeOver(changes: Partial<SidecarConfig>): Promise<void> {
  const config = { ...original, ...changes };
  if (JSON.stringify(config) === JSON.stringify(bed.config)) return;
  const replaced = occurrences('configuration reloaded');
  await bed.writeConfig(config);
  await waitFor(() => occurrences('configuration reloaded') > replaced, 'the configuration to be taken over');
}

const occurrences = (text: string) => bed.log.split(text).length - 1;
const write = () => bed.issuer.token({ claims: { scope: 'mcp:basic mcp:write' } });
const statusOf = async (token: string) => (await bed.callWith(token)).status;

/** Runs `change` while a stream is open whose token is good before and after, and shows that it still carries events. */
async function withOpenStream(change: () => Promise<void>): Promise<void> {
  let server: ServerResponse | undefined;
  bed.upstream.script = (req, res) => {
    if (req.method !== 'GET') return answerJson(req, res);
    server = res;
    openEventStream(req, res);
  };
  const headers = { Authorization: `Bearer ${write()}`, Accept: 'text/event-stream' };
  const stream: IncomingMessage = await bed.open({ method: 'GET', headers });
  await change();
  await new Promise((resolve) => setTimeout(resolve, 1_200)); // it was looked at again
  server?.write('data: still here\n\n');
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'data: still here\n\n');
  stream.destroy();
}

/** What a new connection is shown. */
async function serialNumber(): Promise<string> {
  const socket = connect({ ...bed.tls, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber: serial } = socket.getPeerCertificate();
  socket.destroy();
  return serial;
}

it('another required scope applies at once; an open stream with it lives on', async () => {
  assert.equal(await statusOf(bed.issuer.token()), 200);
  await withOpenStream(async () => {
    await takeOver({ requiredScopes: ['mcp:basic', 'mcp:write'] });
    assertRefused(await bed.callWith(bed.issuer.token()), 'insufficient_scope', 'mcp:basic mcp:write');
    assert.equal(await statusOf(write()), 200);
  });
});

it('a token that was accepted before is verified anew by the new configuration', async () => {
  const token = bed.issuer.token();
  assert.equal(await statusOf(token), 200);
  const [issuer] = original.issuers;
  await takeOver({ issuers: [{ ...issuer!, audiences: ['another'] }] });
  assertRefused(await bed.callWith(token), 'invalid_token');
});

for (const [name, text] of [
  ['is no JSON', () => '{'],
  ['is empty', () => ''],
  ['has an unknown member', () => JSON.stringify({ ...original, requiredScopes: [], extra: 1 })],
  ['lacks a member', () => JSON.stringify({ ...original, requiredScopes: undefined })],
  [
    'points to a file that does not exist',
    () => JSON.stringify({ ...original, requiredScopes: [], tls: { ...original.tls, keyFile: '/nowhere' } }),
  ],
] as const) {
  it(`a configuration that ${name} is refused: the old one stays`, async () => {
    const refusals = occurrences('reload failed, keeping current configuration');
    await writeFile(bed.configFile, text());
    await waitFor(
      () => occurrences('reload failed, keeping current configuration') > refusals,
      'the refusal',
    );
    assertRefused(
      await bed.callWith(bed.issuer.token({ claims: { scope: 'openid' } })),
      'insufficient_scope',
    );
    assert.equal(await statusOf(bed.issuer.token()), 200);
    await bed.writeConfig(original);
    await takeOver({ requiredScopes: ['mcp:write'] });
    assert.equal(await statusOf(write()), 200, 'and a good one is taken over after it');
  });
}

it('two changes in a row: the last one counts', async () => {
  for (let round = 0; round < 5; round++) {
    await bed.writeConfig({ ...original, requiredScopes: [`a${round}`] });
    await new Promise((resolve) => setTimeout(resolve, round * 30));
    await bed.writeConfig({ ...original, requiredScopes: ['mcp:write', `b${round}`] });
    const wanted = bed.issuer.token({ claims: { scope: `mcp:write b${round}` } });
    await waitFor(async () => (await statusOf(wanted)) === 200, 'the last configuration');
  }
});

it('the keys are not forgotten by a change while the issuer is down', async () => {
  bed.issuer.up = false;
  await takeOver({ requiredScopes: ['mcp:write'] });
  assert.equal(await statusOf(write()), 200);
});

it('a change to an issuer that hangs does not undo a later change', async () => {
  const [issuer] = original.issuers;
  const other = { ...issuer!, jwks: { ...issuer!.jwks, uri: bed.issuer.jwksUri } };
  bed.issuer.hang = true;
  await bed.writeConfig({ ...original, requiredScopes: ['old'], issuers: [other] });
  await waitFor(() => bed.issuer.hanging > 0, 'the sidecar to ask for the keys');
  bed.issuer.hang = false;
  await bed.writeConfig({ ...original, requiredScopes: ['late'] });
  const late = bed.issuer.token({ claims: { scope: 'late' } });
  await waitFor(async () => (await statusOf(late)) === 200, 'the later configuration');
  bed.issuer.release();
  for (let i = 0; i < 10; i++) {
    assert.equal(await statusOf(late), 200);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

it('what a change forbids ends although the issuer that it adds hangs; its tokens wait for its keys', async () => {
  const [issuer] = original.issuers;
  const added = 'https://elsewhere.example/realm';
  const jwks = { ...issuer!.jwks, uri: bed.issuer.jwksUri };
  bed.issuer.hang = true;
  const from = bed.log.length;
  await takeOver({ requiredScopes: ['mcp:write'], issuers: [issuer!, { ...issuer!, issuer: added, jwks }] });
  assert.ok(!bed.log.slice(from).includes('JWKS fetch failed'), 'the issuer has not been given up yet');
  assertRefused(await bed.callWith(bed.issuer.token()), 'insufficient_scope', 'mcp:write');
  const token = bed.issuer.token({ claims: { iss: added, scope: 'mcp:write' } });
  const waiting = bed.callWith(token);
  bed.issuer.hang = false;
  await new Promise((resolve) => setTimeout(resolve, 100)); // it waits
  bed.issuer.release();
  assert.equal((await waiting).status, 200);
});

it('the next handshake has the new certificate; an open stream lives on', async () => {
  const before = await serialNumber();
  await withOpenStream(async () => {
    const fresh = await selfSigned();
    await bed.writeCertificate(fresh);
    await waitFor(async () => (await serialNumber()) !== before, 'the new certificate');
  });
});

it('a certificate that does not fit its key is refused: the old one stays', async () => {
  const before = await serialNumber();
  const refusals = occurrences('reload failed, keeping current configuration');
  await writeFile(bed.config.tls.certificateFile, (await selfSigned()).cert);
  await waitFor(() => occurrences('reload failed, keeping current configuration') > refusals, 'the refusal');
  assert.equal(await serialNumber(), before);
});
