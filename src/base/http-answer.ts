// One whole response on an admin port: status, type, text. Never cached; not for the public port.
import type { ServerResponse } from 'node:http';

export function answerText(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  res.end(body);
}
