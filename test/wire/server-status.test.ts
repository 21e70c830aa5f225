// What /status says of the MCP server behind the sidecar, and of a configuration that is not in force.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EndpointState } from '../../src/protocol/sidecar-status.ts';
import type { Script } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { TestBed } from '../support/sidecar.ts';

const answer =
  (status: number, body = '', fields: Readonly<Record<string, string>> = {}): Script =>
  (req, res) => {
    req.resume().on('end', () => res.writeHead(status, fields).end(body));
  };
const rpcError = '{"jsonrpc":"2.0","id":"x","error":{"code":-32601,"message":"Method not found"}}';

const ENDPOINTS: readonly (readonly [what: string, script: Script, expected: EndpointState])[] = [
  ['an answer', answer(200, '{"jsonrpc":"2.0","id":"x","result":{}}'), 'usable'],
  ['400, since there is no session', answer(400, rpcError), 'usable'],
  ['406', answer(406), 'usable'],
  ['415', answer(415), 'usable'],
  ['404 with a JSON-RPC error: the method is unknown, not the path', answer(404, rpcError), 'usable'],
  [
    '404 with a JSON-RPC error in an event stream',
    answer(404, `event: message\ndata: ${rpcError}\n\n`, { 'Content-Type': 'text/event-stream' }),
    'usable',
  ],
  ['404 of a framework', answer(404, 'Not Found'), 'not_found'],
  ['404 with other JSON', answer(404, '{"detail":"Not Found"}'), 'not_found'],
  [
    '404 with a page that does not end in time',
    (_, res) => void res.writeHead(404).write('<html>'),
    'unknown',
  ],
  ['405', answer(405), 'method_not_allowed'],
  ['307 to the path with a slash', answer(307, '', { Location: '/mcp/' }), 'redirect'],
  ['301', answer(301, '', { Location: 'http://elsewhere/' }), 'redirect'],
  ['401', answer(401, '', { 'WWW-Authenticate': 'Bearer' }), 'unauthorized'],
  ['407', answer(407), 'unauthorized'],
  ['500', answer(500), 'unknown'],
  ['nothing', (req) => void req.resume(), 'unknown'],
  ['what is no HTTP', (req) => void req.socket.end('SSH-2.0\r\n'), 'unknown'],
];

describe('/status', () => {
  let bed: TestBed;
  before(async () => (bed = await TestBed.start()));
  after(() => bed.stop());

  /** The endpoint is asked anew after the server was away. */
  async function restartServer(script: Script): Promise<void> {
    const { server } = bed.upstream;
    const port = Number(new URL(bed.upstream.url).port);
    await bed.upstream.close();
    assert.deepEqual((await bed.status()).server, { reachable: false, endpoint: 'unknown' });
    bed.upstream.script = script;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  }

  for (const [what, script, expected] of ENDPOINTS) {
    it(`says ${expected} of an endpoint that answers a message with ${what}`, async () => {
      await restartServer(script);
      assert.deepEqual((await bed.status()).server, { reachable: true, endpoint: expected });
    });
  }

  it('asks a usable endpoint once, whoever asks how often: a server may begin a session each time', async () => {
    await restartServer(answer(200, rpcError));
    const before = bed.upstream.requests.length;
    for (let asked = 0; asked < 5; asked++) assert.equal((await bed.status()).server?.endpoint, 'usable');
    const [ping] = bed.upstream.requests.slice(before);
    assert.equal(bed.upstream.requests.length, before + 1);
    assert.deepEqual([ping?.method, ping?.url, ping?.headers.authorization], ['POST', '/mcp', undefined]);
  });

  it('is asked for by the operator alone: /readyz sends the server no message', async () => {
    await restartServer(answer(404));
    const before = bed.upstream.requests.length;
    assert.equal((await fetch(bed.adminUrl('/readyz'))).status, 200);
    assert.equal(bed.upstream.requests.length, before);
  });

  it('names a configuration that cannot be used, keeps the digest of the one in force, and forgets it when mended', async () => {
    const { configDigest, configProblem } = await bed.status();
    assert.equal(configProblem, undefined);
    const good = bed.config;
    await bed.writeConfig({ ...good, clockSkewSeconds: -1 });
    await waitFor(async () => (await bed.status()).configProblem !== undefined, 'the problem');
    const bad = await bed.status();
    assert.match(bad.configProblem ?? '', /clockSkewSeconds/);
    assert.deepEqual([bad.configDigest, bad.ready], [configDigest, true]);
    await bed.writeConfig({ ...good, clockSkewSeconds: 4 });
    await waitFor(async () => (await bed.status()).configDigest !== configDigest, 'the mended configuration');
    assert.equal((await bed.status()).configProblem, undefined);
  });

  it('has the digest of a configuration only when requests are served by it', async () => {
    const { configDigest } = await bed.status();
    const [issuer] = bed.config.issuers;
    bed.issuer.hang = true;
    // The keys of an issuer of another name are fetched first, and do not come.
    const next = { ...issuer!, issuer: `${issuer!.issuer}/other`, jwks: { ...issuer!.jwks } };
    await bed.writeConfig({ ...bed.config, issuers: [issuer!, next], requiredScopes: ['mcp:admin'] });
    await waitFor(() => bed.issuer.hanging > 0, 'the fetch');
    assert.equal((await bed.status()).configDigest, configDigest);
    bed.issuer.hang = false;
    bed.issuer.release();
    await waitFor(async () => (await bed.status()).configDigest !== configDigest, 'the new configuration');
    assert.equal((await bed.callWith(bed.issuer.token())).status, 403);
  });
});
