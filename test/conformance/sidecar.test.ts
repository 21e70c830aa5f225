// The conformance suite against our sidecar, as tests: each case is one. No part of a case is left out.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { loadCases } from './load.ts';
import { row } from './report.ts';
import { runCases, type Result } from './runner.ts';
import { target } from './targets/sidecar.ts';

/** Most of the time a case waits, for a process to start or for time to pass. */
const CONCURRENCY = availableParallelism() + 1;

/** Tests need Node and nothing else. */
const cases = (await loadCases({ only: [], sections: [] })).filter(
  (item) => !('program' in item && item.program !== undefined),
);
const results = new Map(cases.map(({ id }) => [id, Promise.withResolvers<Result>()]));
const running = runCases(cases, target, {
  concurrency: CONCURRENCY,
  onResult: (result) => results.get(result.case.id)?.resolve(result),
});
running.catch((error: unknown) => {
  for (const { reject } of results.values()) reject(error); // ends the tests that wait for it
});

describe('the sidecar, case by case', () => {
  for (const item of cases) {
    if ('pending' in item) continue; // there is nothing yet to be tested
    // Each case has its own deadline; the time of a test is mostly that of the cases before it.
    it(`${item.id} ${item.rule}`, { timeout: 600_000 }, async () => {
      const result = await results.get(item.id)?.promise;
      assert.ok(result);
      const passed = result.outcome === 'passed' || result.outcome === 'unit';
      assert.ok(passed, `\n${row(result).join('\n')}`);
      assert.deepEqual(result.untested ?? [], [], 'parts of it were not tested');
    });
  }
});
