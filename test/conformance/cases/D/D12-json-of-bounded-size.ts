// D12: a body that cannot be read cannot be validated, and must not pass.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import type { CallOptions } from '../../../kit/http.ts';
import { call } from '../../../kit/messages.ts';

const MIB = 1024 * 1024;
const BIG = call('read_file', { text: 'x'.repeat(5 * MIB) });

export const D12: Case = {
  id: 'D12',
  level: 'MUST°',
  rule: 'Other types and encodings than plain JSON get 415, more than 4 MiB gets 413, and neither is forwarded',
  source: 'RFC 9110 sections 15.5.14 and 15.5.16; MCP, Streamable HTTP, "Sending Messages"',
  async run(bench) {
    const token = bench.token();
    await bench.accepts(token, { headers: { 'Content-Type': 'Application/JSON; charset=utf-8' } });
    await bench.accepts(token, { headers: { 'Content-Encoding': 'identity' } });
    await bench.accepts(token, { body: call('read_file', { text: 'x'.repeat(3 * MIB) }) });
    const before = bench.forwarded.length;
    const refused: Record<string, [number, CallOptions]> = {
      'text/plain': [415, { headers: { 'Content-Type': 'text/plain' } }],
      'another +json': [415, { headers: { 'Content-Type': 'application/jsonp' } }],
      gzip: [415, { headers: { 'Content-Encoding': 'gzip' }, body: gzipSync(call('read_file')) }],
      '5 MiB': [413, { body: BIG }],
      '5 MiB in chunks': [413, { body: BIG, headers: { 'Transfer-Encoding': 'chunked' } }],
    };
    const untyped = await bench.raw();
    const text = call('read_file');
    untyped.send(
      `POST ${bench.path} HTTP/1.1\r\nHost: ${bench.host}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Length: ${text.length}\r\n\r\n${text}`,
    );
    assert.deepEqual(await untyped.waitForStatuses(1), [415], 'no type');
    untyped.destroy();
    assert.equal(bench.forwarded.length, before);
    await each(refused, async ([status, options]) => {
      assert.equal((await bench.callWith(token, options)).status, status);
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
