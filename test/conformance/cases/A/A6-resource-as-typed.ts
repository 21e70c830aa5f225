// A6: clients compare `resource` with the URL they were given, byte for byte.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const A6: Case = {
  id: 'A6',
  level: 'MUST',
  rule: '`resource` is byte for byte the URL that clients use for the endpoint',
  source: 'RFC 9728 sections 2 and 3.3',
  async run(bench) {
    const { resource } = await bench.document();
    assert.equal(resource, bench.resource);
    assert.equal(
      new URL(String(resource)).toString(),
      new URL(bench.resource).toString(),
      'as VS Code compares',
    );
  },
};
