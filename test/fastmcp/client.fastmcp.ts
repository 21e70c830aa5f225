// FastMCP's own client against `npm start`, from the URL alone: discovery, login in a browser, tools, in both protocol eras.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LocalMode } from '../support/local-mode.ts';
import { runClient, type ClientResult } from './programs.ts';
import { python, type Python } from './python.ts';

const CALLS = [{ message: 'ab' }, { message: 'ab', repeat_count: 1 }, { message: 'ab', repeat_count: 11 }];

const registrations = [
  { name: 'with the client id mcp-client', client: { client_id: 'mcp-client' } },
  { name: 'with dynamic registration', client: {} },
];

const eras = [
  { name: 'auto', mode: 'auto', version: '2026-07-28' },
  { name: 'legacy', mode: 'legacy', version: '2025-11-25' },
] as const;

describe('the client of FastMCP', () => {
  let local: LocalMode;
  let environment: Python;
  let caFile: string;
  before(async () => {
    environment = await python();
    local = await LocalMode.start();
    caFile = join(local.directory, '.local/ca/ca.crt');
  });
  after(() => local.end());

  for (const { name, mode, version } of eras) {
    for (const { name: registration, client } of registrations) {
      it(`logs in, lists the tools and calls one: ${name}, ${registration}`, async () => {
        const denials = await local.metric('mcp_sidecar_denials_total');
        const request = { url: local.url, mode, ...client, calls: CALLS };
        assertEcho(await runClient(environment, request, caFile), version);
        assert.equal(
          await local.metric('mcp_sidecar_denials_total'),
          denials + 1,
          'more than the first challenge',
        );
      });
    }
  }

  it('trusts the local authority by its option verify, too', async () => {
    const request = { url: local.url, ca: caFile, client_id: 'mcp-client', calls: CALLS };
    assertEcho(await runClient(environment, request, caFile), '2026-07-28');
  });

  it('says what is wrong where it trusts nothing, and sends no token', async () => {
    const elsewhere = '/etc/ssl/certs/ca-certificates.crt';
    const request = { url: local.url, ca: elsewhere, token: 'not-a-token' };
    await assert.rejects(runClient(environment, request, caFile), /certificate verify failed/i);
  });
});

function assertEcho(result: ClientResult, version: string): void {
  assert.equal(result.protocol_version, version);
  assert.deepEqual(
    result.tools.map(({ name }) => name),
    ['echo'],
  );
  const [three, one, tooMany] = result.calls;
  assert.deepEqual(three, { is_error: false, text: 'ababab' });
  assert.deepEqual(one, { is_error: false, text: 'ab' });
  assert.equal(tooMany?.is_error, true);
  assert.match(tooMany.text, /repeat_count/);
}
