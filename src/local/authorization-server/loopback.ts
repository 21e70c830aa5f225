// Listens on 127.0.0.1 and, where there is IPv6, on ::1 with the same port: `localhost` may mean either. Nothing more.
import { once } from 'node:events';
import type { Server } from 'node:https';

/** Port 0 can be free on one address and taken on the other; then another one is tried. */
const ATTEMPTS = 5;
const NO_IPV6 = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'EPROTONOSUPPORT']);

export async function listenOnLoopback(
  wanted: number,
  create: () => Server,
): Promise<{ port: number; servers: Server[] }> {
  for (let attempt = 1; ; attempt++) {
    const first = create();
    const port = await listen(first, '127.0.0.1', wanted);
    const second = create();
    try {
      await listen(second, '::1', port);
      return { port, servers: [first, second] };
    } catch (error) {
      if (NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '')) return { port, servers: [first] };
      first.close();
      if (wanted !== 0 || attempt === ATTEMPTS) throw error;
    }
  }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw namingPort(error as NodeJS.ErrnoException, port);
  }
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

function namingPort(error: NodeJS.ErrnoException, port: number): Error {
  const reason = {
    EADDRINUSE: `port ${port} is already in use; stop the other program or choose another port`,
    EACCES: `no permission to listen on port ${port}; choose one above 1023`,
  }[error.code ?? ''];
  return reason ? Object.assign(new Error(reason, { cause: error }), { code: error.code }) : error;
}
