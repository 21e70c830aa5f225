// A proxy by hand with nothing in it: TLS, `http.request` with a keep-alive agent, and pipes. No authorization at all.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Listening } from './messages.ts';

const [certificateFile = '', keyFile = '', upstreamPort = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

const server = createServer(
  {
    cert: readFileSync(certificateFile),
    key: readFileSync(keyFile),
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 75_000,
    noDelay: true,
  },
  (req, res) => {
    const { method, url, headers } = req;
    const forwarded = request(
      { host: '127.0.0.1', port: upstreamPort, method, path: url, headers, agent },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(res);
      },
    );
    forwarded.on('error', () => res.destroy());
    res.on('close', () => forwarded.destroy());
    req.pipe(forwarded);
  },
);

server.listen(0, '127.0.0.1', () => {
  const message: Listening = { kind: 'listening', port: (server.address() as AddressInfo).port };
  process.send?.(message);
});
