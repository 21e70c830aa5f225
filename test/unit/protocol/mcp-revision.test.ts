// The revisions of MCP and their eras.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  BATCHING_VERSION,
  eraOf,
  KNOWN_VERSIONS,
  MODERN_VERSIONS,
} from '../../../src/protocol/mcp-revision.ts';

it('known revisions are listed newest first: a client takes the first that it knows', () => {
  assert.deepEqual(KNOWN_VERSIONS, KNOWN_VERSIONS.toSorted().reverse());
  assert.equal(new Set(KNOWN_VERSIONS).size, KNOWN_VERSIONS.length);
});

it('every known revision has an era, and the modern ones are the newest', () => {
  assert.ok(KNOWN_VERSIONS.every((version) => eraOf(version) !== undefined));
  assert.deepEqual(MODERN_VERSIONS, KNOWN_VERSIONS.slice(0, MODERN_VERSIONS.length));
  assert.equal(eraOf(BATCHING_VERSION), 'legacy');
});

it('what is no revision has no era', () => {
  for (const version of ['', '2026-07-29', '2026-07-28 ', 'constructor', '__proto__'])
    assert.equal(eraOf(version), undefined);
});
