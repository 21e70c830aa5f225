// What the listener relies on in Node without a public interface: found here first when a new Node changes it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { it } from 'node:test';

const currentOf = (socket: Socket) =>
  (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage;

it('Node still keeps the current response in _httpMessage', async () => {
  const responses: { res: ServerResponse; isCurrent: boolean }[] = [];
  const server = createServer((req, res) => {
    responses.push({ res, isCurrent: currentOf(req.socket) === res });
    if (responses.length === 2) server.emit('both');
  });
  const both = once(server, 'both');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  client.resume();
  await both;
  const [first, second] = responses;
  assert.ok(first && second?.res.req.socket);
  const { socket } = second.res.req;
  assert.deepEqual([first.isCurrent, second.isCurrent], [true, false], 'the second waits for its turn');
  assert.equal(currentOf(socket), first.res);
  const turn = once(second.res, 'socket');
  first.res.end();
  await turn;
  assert.equal(currentOf(socket), second.res, 'the second has its turn');
  second.res.end();
  await once(second.res, 'finish');
  assert.ok(!currentOf(socket), 'no response is left');
  client.destroy();
  server.close();
});
