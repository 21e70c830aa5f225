// A case of several parts: those that the target has no such thing for are noted, and the verdict comes from the others.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Bench } from '../../conformance/bench/bench.ts';
import { newSession } from '../../conformance/bench/world.ts';
import { NotApplicable, type BlackBoxCase } from '../../conformance/case.ts';
import { referenceTarget } from '../../conformance/mutants/reference/server.ts';
import type { Needs } from '../../conformance/needs.ts';
import { runCases, type Result } from '../../conformance/runner.ts';
import type { Target } from '../../conformance/targets/target.ts';

const WHY = 'DPoP is not a feature of it';

/** Its keys take longer to make than all tests of this file. */
const session = await newSession();

/** The reference server, said to have no DPoP. */
const target: Target = {
  ...referenceTarget(),
  supports: ({ dpop }: Needs) => (dpop === undefined ? undefined : WHY),
};

async function resultOf(run: (bench: Bench) => Promise<void>, needs: Needs = {}): Promise<Result> {
  const item: BlackBoxCase = { id: 'C1', level: 'MUST', rule: '', source: '', needs, run };
  const [result] = await runCases([item], target, { session });
  return result ?? assert.fail('no result');
}

const fails = () => assert.fail('it is wrong');

describe('a case with a part that the target is not set up for', () => {
  it('passes by its other parts, and says which was not tested', async () => {
    const result = await resultOf(async (bench) => {
      await bench.accepts(bench.token());
      await bench.beside({ dpop: 'Accept' }, fails);
    });
    assert.equal(result.outcome, 'passed');
    assert.deepEqual(result.untested, [WHY]);
  });

  for (const [name, run] of Object.entries({
    'before it': async (bench: Bench) => {
      assert.equal((await bench.call()).status, 200, 'status');
      await bench.beside({ dpop: 'Accept' }, fails);
    },
    'after it': async (bench: Bench) => {
      await bench.beside({ dpop: 'Accept' }, fails);
      assert.equal((await bench.call()).status, 200, 'status');
    },
  })) {
    it(`fails by a part ${name}`, async () => {
      const result = await resultOf(run);
      assert.equal(result.outcome, 'failed');
      assert.equal(result.reason, 'status: came 401, expected 200');
    });
  }

  it('is n/a where no part could run', async () => {
    const result = await resultOf(async (bench) => {
      await bench.beside({ dpop: 'Accept' }, fails);
      await bench.refusesToStart({ dpop: 'Require' });
    });
    assert.equal(result.outcome, 'n/a');
    assert.equal(result.reason, WHY);
  });

  it('is n/a where the main part needs it', async () => {
    const result = await resultOf(async (bench) => {
      await bench.accepts(bench.token());
      throw new NotApplicable('no such thing');
    });
    assert.deepEqual([result.outcome, result.reason], ['n/a', 'no such thing']);
    assert.equal((await resultOf(() => Promise.resolve(fails()), { dpop: 'Accept' })).outcome, 'n/a');
  });

  it('does not hand its note to the next case on the same target', async () => {
    const item = (id: string, run: BlackBoxCase['run']): BlackBoxCase => ({
      ...{ id, level: 'MUST', rule: '', source: '' },
      run,
    });
    const results = await runCases(
      [
        item('C1', async (bench) => {
          await bench.accepts(bench.token());
          await bench.beside({ dpop: 'Accept' }, fails);
        }),
        item('C2', async (bench) => void (await bench.accepts(bench.token()))),
      ],
      target,
      { session },
    );
    assert.deepEqual(
      results.map(({ untested }) => untested),
      [[WHY], []],
    );
  });
});

describe('a target that starts although it must not', () => {
  const refusal = (otherwise?: (other: Bench) => Promise<void>) => (bench: Bench) =>
    bench.refusesToStart({ requiredScopes: ['mcp:basic'] }, /scope/, otherwise);

  it('fails the case', async () => {
    const { outcome, reason } = await resultOf(refusal());
    assert.deepEqual([outcome, reason], ['failed', 'it starts with {"requiredScopes":["mcp:basic"]}']);
  });

  it('is tested by what it does then, if the case says how', async () => {
    assert.equal((await resultOf(refusal(async (other) => void (await other.document())))).outcome, 'passed');
    assert.equal((await resultOf(refusal(() => Promise.resolve(fails())))).outcome, 'failed');
  });

  it('passes the case where it does not start, and says why', async () => {
    const run = (why: RegExp) => (bench: Bench) => bench.refusesToStart({ requiredScopes: ['a"b'] }, why);
    assert.equal((await resultOf(run(/scope/i))).outcome, 'passed');
    assert.equal((await resultOf(run(/nothing of the kind/))).outcome, 'failed');
  });
});

it('a case that asserts nothing of its own is a defect where it throws something else', async () => {
  const { outcome } = await resultOf(() => Promise.reject(new Error('a bug')));
  assert.equal(outcome, 'broken');
});
