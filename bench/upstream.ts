// The MCP server of the benchmark: canned answers on raw sockets, so that what is measured is what stands before it.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { JSON_RESPONSE, OPEN_STREAM, SSE_RESPONSE, STREAM_FIELD } from './canned.ts';
import type { Listening } from './messages.ts';

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer | undefined;
  socket.on('data', (bytes) => {
    pending = answerAll(socket, pending === undefined ? bytes : Buffer.concat([pending, bytes]));
  });
  socket.on('error', () => socket.destroy());
});

/** Answers each whole request. @returns the bytes of one that is not whole yet */
function answerAll(socket: Socket, received: Buffer): Buffer | undefined {
  let bytes = received;
  while (bytes.length > 0) {
    const headEnd = bytes.indexOf('\r\n\r\n', 0, 'latin1');
    if (headEnd < 0) return bytes;
    const head = bytes.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const end = headEnd + 4 + length;
    if (bytes.length < end) return bytes;
    socket.write(
      head.startsWith('GET') ? OPEN_STREAM : head.includes(STREAM_FIELD) ? SSE_RESPONSE : JSON_RESPONSE,
    );
    bytes = bytes.subarray(end);
  }
  return undefined;
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const message: Listening = { kind: 'listening', port: (server.address() as AddressInfo).port };
  process.send?.(message);
});
