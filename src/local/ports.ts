// Whether the ports that local mode needs are free, before anything is started. Opens none for longer than the look.
import { createServer } from 'node:net';

export interface NeededPort {
  readonly port: number;
  /** What it is for, and where it can be changed. */
  readonly what: string;
}

/** One line for each port that is not free. */
export async function portProblems(ports: readonly NeededPort[]): Promise<string[]> {
  const problems = await Promise.all(ports.map((needed) => portProblem(needed, ports)));
  return problems.filter((problem) => problem !== undefined);
}

async function portProblem(needed: NeededPort, all: readonly NeededPort[]): Promise<string | undefined> {
  const first = all.find(({ port }) => port === needed.port) ?? needed;
  if (first === needed) return occupied(needed);
  return `port ${needed.port} is needed twice, for ${first.what} and for ${needed.what}; change one`;
}

function occupied({ port, what }: NeededPort): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(describePortError(error, { port, what })));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function describePortError(error: NodeJS.ErrnoException, { port, what }: NeededPort): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} is already in use; needed for ${what}`;
    case 'EACCES':
      return `no permission to listen on port ${port}; needed for ${what}`;
    default:
      return `cannot listen on port ${port} (${error.code ?? error.message}); needed for ${what}`;
  }
}
