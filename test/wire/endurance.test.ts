// What a client could hold on to for longer than it should: connections, streams; and names that could stand for ours.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { TestBed } from '../support/sidecar.ts';
import { answerJson } from '../kit/upstream.ts';

let bed: TestBed;
before(async () => {
  bed = await TestBed.start({
    config: ({ claimToHeaders }) => ({
      claimToHeaders: [...claimToHeaders, { claim: 'sub', header: 'Acme_User' }],
    }),
  });
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
  bed.upstream.script = answerJson;
});

const authorization = (token = bed.issuer.token()) => ({ Authorization: `Bearer ${token}` });

describe('a request body that trickles in after its answer does not hold the connection', () => {
  const trickles: Readonly<Record<string, () => [head: string, piece: string]>> = {
    'metadata, without a token': () => [
      'GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n',
      'x',
    ],
    'pre-flight, without a token': () => [
      'OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:6274\r\n' +
        'Access-Control-Request-Method: POST\r\nContent-Length: 100000\r\n\r\n',
      'x',
    ],
    'a stream that the server has ended': () => [
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bed.issuer.token()}\r\n` +
        'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n',
      '1\r\nx\r\n',
    ],
  };
  for (const [name, make] of Object.entries(trickles)) {
    it(name, async () => {
      bed.upstream.script = (_, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream' });
        res.write('data: 1\n\n');
        setTimeout(() => res.end(), 50);
      };
      const [head, piece] = make();
      const connection = await RawConnection.open(bed);
      connection.send(head);
      await connection.waitForStatuses(1);
      const trickle = setInterval(() => connection.send(piece), 200);
      const timer = setTimeout(() => connection.destroy(), 8_000);
      const started = performance.now();
      await connection.waitForClose();
      clearInterval(trickle);
      clearTimeout(timer);
      assert.ok(performance.now() - started < 5_000, 'it was open for longer');
    });
  }
});

it('a header of ours with an underscore cannot be sent with a hyphen: CGI and WSGI take them for one', async () => {
  await bed.call({ headers: { ...authorization(), 'Acme-User': 'root' } });
  const { headers } = bed.upstream.requests[0] ?? {};
  assert.equal(headers?.['acme-user'], undefined);
  assert.equal(headers?.acme_user, 'alice');
});
