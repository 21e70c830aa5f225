// A reporter for node's test runner: one JSON line for each test file that failed in an orderly way, for a second run.
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';

/** A file that ran to its end and said which of its tests failed. One that crashed is none: nothing excuses a crash. */
export interface FailedFile {
  readonly file: string;
  /** Of the test runner: with them the file runs again as it did. */
  readonly options: readonly string[];
  /** How many of its tests failed or were cancelled. */
  readonly failed: number;
  /** Its failures, and what it wrote. */
  readonly output: string;
}

interface Seen {
  output: string;
  failed: number;
  crashed: boolean;
}

/** Exceptions after the end of a test, which Node reports in no other way. */
const STRAY = /asynchronous activity after the test ended/;

// The test runner takes the default export of a reporter.
// eslint-disable-next-line no-restricted-exports
export default async function* failedFiles(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const options = process.execArgv;
  const files = new Map<string, Seen>();
  const seen = (name: string | undefined): Seen => {
    const file = resolve(name ?? '');
    const found = files.get(file) ?? { output: '', failed: 0, crashed: false };
    files.set(file, found);
    return found;
  };
  for await (const { type, data } of source) {
    switch (type) {
      case 'test:stdout':
      case 'test:stderr':
        seen(data.file).output += data.message;
        break;
      case 'test:fail':
        seen(data.file).output += `✖ ${data.name}\n${inspect(data.details.error.cause)}\n`;
        break;
      case 'test:diagnostic':
        if (STRAY.test(data.message)) seen(data.file).crashed = true;
        break;
      case 'test:summary':
        if (data.file !== undefined) seen(data.file).failed = data.counts.cancelled + failedOf(data.counts);
        break;
      case 'test:complete': {
        const { file = '', name, details } = data;
        if (resolve(name) !== file || details.passed) break; // only the file itself, whose tests are over
        const { output, failed, crashed } = seen(file);
        if (failed > 0 && !crashed && !wasKilled(details.error))
          yield `${JSON.stringify({ file, options, failed, output } satisfies FailedFile)}\n`;
        break;
      }
      default: // of no interest
    }
  }
}

/** Node counts them, and its types do not say so. */
function failedOf(counts: object): number {
  return 'failed' in counts ? Number(counts.failed) : 0;
}

function wasKilled(error: Error | undefined): boolean {
  return error !== undefined && 'signal' in error && error.signal !== null;
}
