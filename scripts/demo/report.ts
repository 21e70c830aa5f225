// What the demo says to the person who watches it: progress as it comes, and failures that say what to do.

/** Takes one line. */
export type Report = (line: string) => void;

/** Something that the person at the keyboard can set right; the message is all that is printed. */
export class DemoError extends Error {
  readonly code = 'ERR_DEMO';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DemoError';
  }
}

/** Lines with the seconds since the start before them. */
export function timedReport(write: (text: string) => void): Report {
  const startedAt = performance.now();
  return (line) => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    write(`${String(seconds).padStart(4)} s  ${line}\n`);
  };
}
