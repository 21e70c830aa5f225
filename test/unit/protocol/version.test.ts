// What a program says of its release is true.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import packageJson from '../../../package.json' with { type: 'json' };
import { VERSION } from '../../../src/protocol/version.ts';

it('the version that programs tell each other is that of the package', () =>
  assert.equal(VERSION, packageJson.version));
