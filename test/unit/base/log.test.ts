// Which errors a log line shows with a stack.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from '../../../src/base/log.ts';
import { ApiError, NoAnswerError } from '../../../src/kube/errors.ts';

function logged(error: unknown): Record<string, unknown> {
  const lines: string[] = [];
  createLogger('test', 'info', { write: (line) => void lines.push(line) }).warn({ err: error }, 'failed');
  return (JSON.parse(lines[0] ?? '{}') as { err: Record<string, unknown> }).err;
}

describe('an error in a log line', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
  const body = { kind: 'Status', message: 'not found', reason: 'NotFound' };
  const expected: Record<string, [Error, string]> = {
    'an answer of the API server': [
      new ApiError('get Pod a/b', { status: 404, body }),
      'get Pod a/b: 404 NotFound: not found',
    ],
    'no answer, with its cause': [
      new NoAnswerError('get Pod a/b', 'connection', 'connection failed', { cause }),
      'get Pod a/b: connection failed: connect ECONNREFUSED 127.0.0.1:1',
    ],
    'a socket’s': [cause, 'connect ECONNREFUSED 127.0.0.1:1'],
  };
  for (const [what, [error, message]] of Object.entries(expected))
    it(`has a message and no stack: ${what}`, () => {
      const { type, code, ...rest } = logged(error);
      assert.deepEqual([type, typeof code, rest], [error.constructor.name, 'string', { message }]);
    });

  const nodes = () => {
    try {
      return Buffer.from(1 as unknown as string);
    } catch (error) {
      return error;
    }
  };
  const defects: Record<string, unknown> = {
    'an error without a code': new Error('a bug'),
    'a TypeError of the language': new TypeError('x is not a function'),
    'a TypeError of Node, with a code': nodes(),
  };
  for (const [what, error] of Object.entries(defects))
    it(`has a stack: ${what}`, () => assert.match(String(logged(error)['stack']), /\n {4}at /));
});
