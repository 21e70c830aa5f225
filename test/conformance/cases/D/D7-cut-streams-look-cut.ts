// D7: a stream that ends well is over; one that was cut is to be taken up again.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { readAll } from '../../../kit/http.ts';

const EVENT = 'id: 1\ndata: {"half":';

export const D7: Case = {
  id: 'D7',
  level: 'MUST°',
  rule: 'An answer that the MCP server breaks off is broken off for the client, not ended',
  source: 'RFC 9112 section 8; MCP 2025-11-25, "Resumability and Redelivery"',
  async run(bench) {
    const fields: Record<string, Record<string, string>> = {
      'an event stream': { 'Content-Type': 'text/event-stream' },
      'JSON in chunks': { 'Content-Type': 'application/json' },
      'JSON of a known length': { 'Content-Type': 'application/json', 'Content-Length': '1000' },
    };
    const read = async (isStream = true) => {
      const res = await bench.open({ headers: { Authorization: `Bearer ${bench.token()}` } });
      // Of JSON nothing may have been passed on yet: then the failure can still be told.
      if (res.statusCode === 502 && !isStream) return undefined;
      assert.equal(res.statusCode, 200);
      return (await readAll(res)).toString();
    };
    await each(fields, async (head, name) => {
      bench.upstream.script = (req, res) => {
        req.resume();
        res.writeHead(200, head).write(EVENT);
        void sleep(100).then(() => req.socket.destroy());
      };
      const whole = await read(name === 'an event stream').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') return undefined;
        throw error;
      });
      assert.equal(whole, undefined, 'the client takes it for whole');
    });
    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('data: 1\n\n');
    };
    assert.equal(await read(), 'data: 1\n\n', 'one that ends well');
  },
};
