// Many bad tokens, many slow sockets, many refusals: what is good goes on all the while.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { assertRefused } from '../support/challenge.ts';
import { RawConnection } from '../kit/raw.ts';
import { TestBed } from '../support/sidecar.ts';

describe('bad tokens, limited to 20 a minute', () => {
  let bed: TestBed;
  before(async () => {
    bed = await TestBed.start({
      config: () => ({
        failureLimit: { perMinute: 20 },
        logLevel: 'info',
        listen: { host: '127.0.0.1', port: 0 },
      }),
    });
  });
  after(() => bed.stop());

  it('1,000 from one address: 429 after the first, and when to come again', { timeout: 60_000 }, async () => {
    const answers = [];
    for (let round = 0; round < 20; round++) {
      answers.push(
        ...(await Promise.all(Array.from({ length: 50 }, () => bed.callWith(crypto.randomUUID())))),
      );
    }
    const refused = answers.filter(({ status }) => status === 401);
    assert.ok(refused.length >= 20 && refused.length <= 40, `${refused.length} were verified as usual`);
    for (const answer of answers.filter(({ status }) => status !== 401)) {
      assert.equal(answer.status, 429, answer.body);
      assert.ok(Number(answer.headers['retry-after']) >= 1);
      assert.equal(answer.headers['www-authenticate'], undefined);
    }
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('a good token from the same address passes, known or new; so does the way to one', async () => {
    for (let i = 0; i < 3; i++) assert.equal((await bed.callWith(bed.issuer.token())).status, 200);
    for (let i = 0; i < 30; i++) assertRefused(await bed.call(), 'none');
    const document = await bed.call({ method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' });
    assert.equal(document.status, 200);
    const short = bed.issuer.token({ claims: { scope: 'openid' } });
    assertRefused(await bed.callWith(short), 'insufficient_scope');
  });

  it('the log has a part of the refusals, the metrics have them all', async () => {
    const lines = bed.log.split('\n').filter((line) => line.includes('request denied'));
    assert.ok(lines.length < 400, `${lines.length} lines`);
    const metrics = await (await fetch(bed.adminUrl('/metrics'))).text();
    const counted = [...metrics.matchAll(/^mcp_sidecar_denials_total\{reason="\w+"\} (\d+)$/gm)];
    assert.ok(counted.reduce((sum, [, count]) => sum + Number(count), 0) > 1_000);
  });
});

describe('slow clients', () => {
  let bed: TestBed;
  before(async () => {
    bed = await TestBed.start();
  });
  after(() => bed.stop());

  it('1,000 sockets that never come to the point leave calls as they were', { timeout: 60_000 }, async () => {
    const plain: Socket[] = [];
    for (let i = 0; i < 800; i++) {
      const socket = connect(bed.port, '127.0.0.1');
      socket.on('error', () => undefined);
      plain.push(socket);
    }
    const half = await Promise.all(Array.from({ length: 200 }, () => RawConnection.open(bed)));
    for (const [i, connection] of half.entries()) {
      const line = `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\n`;
      connection.send(
        i % 2 === 0
          ? line
          : `${line}Authorization: Bearer ${bed.issuer.token()}\r\nContent-Length: 9\r\n\r\n{`,
      );
    }
    const token = bed.issuer.token();
    const started = performance.now();
    for (let i = 0; i < 20; i++) assert.equal((await bed.callWith(token)).status, 200);
    assert.ok(performance.now() - started < 10_000, 'half a second a call at most, on any machine');
    for (const socket of plain) socket.destroy();
    for (const connection of half) connection.destroy();
  });
});
