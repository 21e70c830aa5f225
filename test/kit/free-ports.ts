// Ports for programs that must be told theirs. Below the ephemeral range, so that no connection of a test takes one.
import { createServer } from 'node:net';

/** Each process searches a range of its own: test files run at the same time. */
const FIRST = 10_000;
const RANGES = 400;
const RANGE_SIZE = 50;

let next = 0;

/** As many ports as asked for, all different, each free on both loopback addresses at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried++) {
    if (tried > RANGE_SIZE) throw new Error(`no ${count} free ports from ${rangeStart()}`);
    const port = rangeStart() + (next++ % RANGE_SIZE);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** Whether nothing listens there, on 127.0.0.1 and on ::1. */
export async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'));
}

function rangeStart(): number {
  return FIRST + (process.pid % RANGES) * RANGE_SIZE;
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'EADDRINUSE' && code !== 'EACCES'),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
