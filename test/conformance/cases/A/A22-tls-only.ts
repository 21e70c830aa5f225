// A22: metadata over plain HTTP can be changed on the way, and with it where clients log in.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Case } from '../../case.ts';

export const A22: Case = {
  id: 'A22',
  level: 'MUST',
  rule: 'Plain HTTP on the same port yields no document and reaches nothing',
  source: 'OAuth 2.1 section 1.5; RFC 9728 section 7.1',
  async run(bench) {
    await bench.document();
    for (const path of [bench.metadataPath, bench.path]) {
      const socket = connect(bench.running.address);
      let received = '';
      socket.on('data', (chunk) => (received += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => socket.once('close', resolve)); // a reset is as good an end
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${bench.host}\r\nConnection: close\r\n`);
      socket.write(`Authorization: Bearer ${bench.token()}\r\n\r\n`);
      await closed;
      assert.ok(!received.includes('resource'), received);
      assert.doesNotMatch(received, /^HTTP\/1\.1 2/);
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    }
  },
};
