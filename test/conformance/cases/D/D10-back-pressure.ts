// D10: who takes more than he can pass on keeps it in memory, until there is none.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { Case } from '../../case.ts';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
/** Sockets hold some megabytes by themselves. */
const MOST = 32 * 1024 * 1024;
const TOTAL = 1024 * 1024 * 1024;
const PUSH_MS = 3_000;

export const D10: Case = {
  id: 'D10',
  level: 'MUST°',
  rule: 'From a side that pushes no more is taken than the other side reads',
  source: 'RFC 9112 section 9; OWASP API4, unrestricted resource consumption',
  needs: { transport: { messageChecks: 'Off' } },
  async run(bench) {
    const Authorization = `Bearer ${bench.token()}`;
    let pushed = Promise.resolve(0);
    bench.upstream.script = (req, res: ServerResponse) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      pushed = push(res);
    };
    const res = await bench.open({ headers: { Authorization } });
    assert.equal(res.statusCode, 200); // and is not read
    await sleep(PUSH_MS);
    const down = await pushed;
    res.on('error', () => undefined).destroy();
    assert.ok(down < MOST, `took ${down >> 20} MiB that the client does not read`);

    bench.upstream.script = () => undefined; // does not read
    const headers = { Host: bench.host, Authorization, 'Content-Type': 'application/json' };
    const req = request({ ...bench.tls, path: bench.path, method: 'POST', agent: false, headers });
    req.on('error', () => undefined);
    const up = await push(req);
    req.destroy();
    assert.ok(up < MOST, `took ${up >> 20} MiB that the MCP server does not read`);
  },
};

/** Writes as long as it is taken. @returns how many bytes left */
async function push(stream: Writable): Promise<number> {
  const endAt = Date.now() + PUSH_MS;
  let sent = 0;
  while (Date.now() < endAt && sent < TOTAL && !stream.destroyed) {
    while (stream.writableLength < CHUNK.length && sent < TOTAL) {
      stream.write(CHUNK);
      sent += CHUNK.length;
      if (sent % (64 * CHUNK.length) === 0) break;
    }
    await sleep(1);
  }
  return sent - stream.writableLength;
}
