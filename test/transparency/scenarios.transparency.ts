// The conformance scenarios find the same in a server whether it stands alone or behind the sidecar.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { differences, passed, told } from './difference.ts';
import { EDITIONS, nameOf, type Edition } from './editions.ts';
import { openPassage, type Passage } from './passage.ts';
import { runScenarios, type Results } from './scenarios.ts';
import type { ServerProcess } from '../kit/server-process.ts';
import { FASTMCP, PYTHON_SDK, startUpstream, TYPESCRIPT_SDK, type Upstream } from './upstreams.ts';

/** How many checks pass bare, at least, in order of the editions: where everything fails, everything is the same. */
const FLOORS: readonly (readonly [Upstream, readonly number[]])[] = [
  [FASTMCP, [40, 80, 160]],
  [PYTHON_SDK, [38, 78, 190]], // the one that has tasks
  [TYPESCRIPT_SDK, [42, 82, 160]],
];

for (const [upstream, floors] of FLOORS) {
  describe(upstream.name, () => {
    let server: ServerProcess;
    /** As the scenarios need it: some are for localhost only. */
    let url: string;
    let passage: Passage;
    before(async () => {
      server = await startUpstream(upstream);
      url = `http://localhost:${server.port}/mcp`;
      passage = await openPassage(server.url);
    });
    after(async () => {
      await passage?.stop();
      await server?.stop();
    });

    for (const [index, edition] of EDITIONS.entries()) {
      it(`is the same behind the sidecar: ${nameOf(edition)}`, async (t) => {
        const bare = await runScenarios(edition, url);
        // What is not the same a second time is nothing that the sidecar changed.
        const again = await runScenarios(edition, url);
        const requestsBefore = await passage.requests();
        const through = await runScenarios(edition, passage.url);
        const requests = (await passage.requests()) - requestsBefore;

        const unsteady = differences(bare.checks, again.checks);
        const found = differences(bare.checks, through.checks).filter(
          ({ check, after }) => !unsteady.some((row) => row.check === check && row.after === after),
        );
        t.diagnostic(
          `${bare.scenarios.length} scenarios, ${bare.checks.length} checks; passed: ${passed(bare.checks)} bare, ` +
            `${passed(through.checks)} through the sidecar, in ${requests} requests`,
        );
        t.diagnostic(`of these: ${edition.telling.map((name) => counted(name, bare, through)).join(', ')}`);
        t.diagnostic(`not the same each time, bare: ${told(unsteady)}`);
        t.diagnostic(`difference: ${told(found)}`);
        assert.equal(told(found), 'none');
        assertGround(edition, bare, floors[index] ?? Infinity);
        assert.ok(requests >= through.scenarios.length, 'the sidecar was not asked');
      });
    }
  });
}

/** How many checks of a scenario passed, bare and through the sidecar. */
function counted(name: string, ...runs: readonly Results[]): string {
  const counts = runs.map(({ checks }) => passed(checks.filter(({ scenario }) => scenario === name)));
  return `${name} ${counts.join(' and ')}`;
}

/** That there was something to compare: on the whole, and in each scenario that looks at what a proxy could change. */
function assertGround({ telling }: Edition, { checks }: Results, floor: number): void {
  assert.ok(passed(checks) >= floor, `only ${passed(checks)} checks pass bare: is the server broken?`);
  for (const name of telling)
    assert.ok(passed(checks.filter(({ scenario }) => scenario === name)) > 0, `${name}: nothing passes bare`);
}
