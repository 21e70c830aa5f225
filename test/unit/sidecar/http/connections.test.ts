// Which connections a drain may close at once: those on which nothing was asked yet, and no others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { UnusedConnections } from '../../../../src/sidecar/http/connections.ts';
import { selfSigned } from '../../../kit/certificate.ts';
import { waitFor } from '../../../kit/wait.ts';

let server: Server;
let unused: UnusedConnections;
const clients: Socket[] = [];
before(async () => {
  const { cert, key } = await selfSigned();
  server = createServer({ cert, key });
  unused = new UnusedConnections(server);
  server.on('request', () => undefined); // never answered: under way for as long as the test lasts
  server.on('checkContinue', () => undefined);
  server.on('checkExpectation', () => undefined);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => {
  for (const client of clients) client.destroy();
  server.closeAllConnections();
  server.close();
});

const port = () => (server.address() as AddressInfo).port;
const opened = <T extends Socket>(client: T): T => {
  clients.push(client);
  client.on('error', () => undefined); // a reset is an end
  return client;
};
const openTcp = async () => {
  const client = opened(connect(port(), '127.0.0.1'));
  await once(client, 'connect');
  return client;
};
const openTls = async () => {
  const client = opened(connectTls({ port: port(), host: '127.0.0.1', rejectUnauthorized: false }));
  await once(client, 'secureConnect');
  return client;
};

describe('connections that have not made a request', () => {
  it('are counted from the handshake to the first request, or to their end', async () => {
    const tcp = await openTcp();
    await waitFor(() => unused.size === 1, 'the TCP connection');
    const tls = await openTls();
    await waitFor(() => unused.size === 2, 'the TLS connection');
    tls.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor(() => unused.size === 1, 'its request');
    tcp.destroy();
    await waitFor(() => unused.size === 0, 'the end of the other');
  });

  for (const [name, field] of [
    ['a plain request', ''],
    ['one that waits for 100 Continue', 'Expect: 100-continue\r\n'],
    ['one that expects something else', 'Expect: tea\r\n'],
  ] as const) {
    it(`are closed, and a connection with ${name} is not`, async () => {
      const [tcp, tls, used] = [await openTcp(), await openTls(), await openTls()];
      used.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n${field}\r\n`);
      await waitFor(() => unused.size === 2, 'the request');
      const ends = [once(tcp, 'close'), once(tls, 'close')];
      unused.destroy();
      await Promise.all(ends);
      await waitFor(() => unused.size === 0, 'both to be forgotten');
      assert.equal(used.destroyed, false);
      assert.equal(used.readyState, 'open');
    });
  }
});
