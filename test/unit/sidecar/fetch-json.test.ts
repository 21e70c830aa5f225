// The fetch of keys always ends: what never settles would keep the old keys in force, and callers waiting.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createServer } from 'node:tls';
import { fetchJson } from '../../../src/sidecar/fetch-json.ts';
import { selfSigned } from '../../support/certificate.ts';

it('a server that switches protocols is an error', { timeout: 20_000 }, async () => {
  const { cert, key } = await selfSigned();
  const server = createServer({ cert, key }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { signal } = new AbortController();
  await assert.rejects(fetchJson(`https://localhost:${port}/keys`, { ca: cert, signal }), /status 101/);
  server.close();
});
