// What the comparison calls a difference: a check that is missing, new, or found otherwise; not their order.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differences, told } from './difference.ts';
import type { Check } from './scenarios.ts';

const check = (id: string, status = 'SUCCESS', scenario = 'ping'): Check => ({
  scenario,
  id,
  name: id.toUpperCase(),
  status,
});
const [a, b] = [check('a'), check('b')];

const rows: Record<string, [before: Check[], after: Check[], difference: string]> = {
  'nothing at all': [[], [], 'none'],
  'the same': [[a, b], [a, b], 'none'],
  'the same in another order': [[a, b], [b, a], 'none'],
  'a check that fails': [[a], [check('a', 'FAILURE')], '\n  ping: a (A): SUCCESS -> FAILURE'],
  'a check that fails no more': [[check('a', 'FAILURE')], [a], '\n  ping: a (A): FAILURE -> SUCCESS'],
  'a warning': [[a], [check('a', 'WARNING')], '\n  ping: a (A): SUCCESS -> WARNING'],
  'a check that is missing': [[a, b], [b], '\n  ping: a (A): SUCCESS -> none'],
  'a check that is new': [[a], [a, b], '\n  ping: b (B): none -> SUCCESS'],
  'a check that is made more often': [[a], [a, a], '\n  ping: a (A): SUCCESS -> SUCCESS, SUCCESS'],
  'a second check of that name that fails': [
    [a, a],
    [a, check('a', 'FAILURE')],
    '\n  ping: a (A): SUCCESS, SUCCESS -> SUCCESS, FAILURE',
  ],
  'the same check in another scenario': [
    [a],
    [check('a', 'SUCCESS', 'tools')],
    '\n  ping: a (A): SUCCESS -> none\n  tools: a (A): none -> SUCCESS',
  ],
};

describe('differences', () => {
  for (const [name, [before, after, difference]] of Object.entries(rows))
    it(name, () => assert.equal(told(differences(before, after)), difference));
});
