// What a failed assertion is told as: one line, what came and what was expected, and never a key or a token.
import assert, { AssertionError } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { each } from '../../conformance/bench/each.ts';
import { told } from '../../conformance/bench/told.ts';

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';

function toldOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof AssertionError);
    return told(error);
  }
  return assert.fail('the assertion holds');
}

describe('an assertion is told in one line', () => {
  const rows: Record<string, [check: () => void, expected: string]> = {
    'two values': [() => assert.equal(200, 404), 'came 200, expected 404'],
    'two values, with words': [() => assert.equal(200, 404, 'status'), 'status: came 200, expected 404'],
    'a value that is not there': [
      () => assert.equal(undefined, '*', 'origin'),
      "origin: came nothing, expected '*'",
    ],
    'two lists': [() => assert.deepEqual([200], [400]), 'came [ 200 ], expected [ 400 ]'],
    'two objects': [
      () => assert.deepEqual({ a: 1, error: 'x', scope: 's' }, { a: 1, scope: 't' }, 'challenge'),
      "challenge: scope came 's', expected 't'; error came 'x', expected nothing",
    ],
    'objects that differ in order alone': [
      () => assert.notDeepEqual({ a: 1 }, { a: 1 }, 'the same'),
      'the same',
    ],
    'a pattern': [() => assert.match('a\nb', /^c/, 'field'), "field: came 'a\\nb', expected a match of /^c/"],
    'a pattern that must not be': [() => assert.doesNotMatch('ab', /b/), "came 'ab', which matches /b/"],
    'words alone': [() => assert.ok(false, 'no challenge'), 'no challenge'],
    'words of two lines': [() => assert.fail('one\n  two'), 'one two'],
  };
  for (const [name, [check, expected]] of Object.entries(rows)) {
    it(name, () => assert.equal(toldOf(check), expected));
  }

  it('cuts what is long', () => {
    const line = toldOf(() => assert.equal('x'.repeat(10_000), 'y'));
    assert.ok(line.length < 250, line);
  });
});

describe('what is secret is not told', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rows: Record<string, () => void> = {
    'a token in a value': () => assert.equal(`Bearer ${TOKEN}`, ''),
    'a token in words': () => assert.fail(`refused ${TOKEN}`),
    'a token in an object': () => assert.deepEqual({ token: TOKEN }, {}),
  };
  for (const [name, check] of Object.entries(rows)) {
    it(name, () => assert.doesNotMatch(toldOf(check), /eyJ[\w-]|c2lnbmF0dXJl/));
  }

  it('a private key as an object', () => {
    const { d = '' } = privateKey.export({ format: 'jwk' });
    assert.ok(!toldOf(() => assert.equal(privateKey, undefined)).includes(d));
  });
});

describe('variants', () => {
  it('are all run, and those that failed are listed by name', async () => {
    const run: number[] = [];
    const failing = each({ one: 1, two: 2, three: 3 }, (value) => {
      run.push(value);
      assert.equal(value, 2, 'value');
    });
    await assert.rejects(failing, (error: AssertionError) => {
      assert.equal(told(error), 'one: value: came 1, expected 2\nthree: value: came 3, expected 2');
      return true;
    });
    assert.deepEqual(run, [1, 2, 3]);
  });

  it('of a list are named by their value', async () => {
    const failing = each(['a', undefined], () => assert.fail('no'));
    await assert.rejects(failing, { message: '"a": no\nundefined: no' });
  });
});
