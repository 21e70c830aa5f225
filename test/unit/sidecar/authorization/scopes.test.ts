// Which scopes suffice, and which a challenge names.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scopePolicy } from '../../../../src/sidecar/authorization/scopes.ts';

type Hierarchy = { scope: string; includes: string[] }[];

function policy(scopeHierarchy: Hierarchy = [], stepUpScopes: 'Operation' | 'IncludeGranted' = 'Operation') {
  return scopePolicy({
    requiredScopes: ['basic'],
    metadata: { scopesSupported: ['basic', 'read'] },
    scopeHierarchy,
    stepUpScopes,
  });
}

describe('a scope is covered', () => {
  const chain = [
    { scope: 'admin', includes: ['write', 'audit'] },
    { scope: 'write', includes: ['basic'] },
  ];
  const circle = [
    { scope: 'a', includes: ['b'] },
    { scope: 'b', includes: ['c'] },
    { scope: 'c', includes: ['a', 'c'] },
  ];
  for (const [name, hierarchy, granted, needed] of [
    ['by itself', [], ['basic'], 'basic'],
    ['by itself, among others', [], ['x', 'basic'], 'basic'],
    ['by one that includes it', chain, ['write'], 'basic'],
    ['by one that includes it through another', chain, ['admin'], 'basic'],
    ['in a circle', circle, ['b'], 'a'],
    ['by itself, in a circle', circle, ['a'], 'a'],
  ] as const) {
    it(name, () => assert.equal(policy(hierarchy as unknown as Hierarchy).covers(granted, needed), true));
  }

  for (const [name, hierarchy, granted, needed] of [
    ['by nothing', [], [], 'basic'],
    ['by a longer name', [], ['basicx'], 'basic'],
    ['by another case', [], ['BASIC'], 'basic'],
    ['by what it includes itself', chain, ['basic'], 'write'],
    ['by a sibling', chain, ['audit'], 'write'],
    ['without a hierarchy', [], ['admin'], 'basic'],
    ['by a name that every object has', chain, ['constructor', '__proto__'], 'basic'],
    ['in a circle that does not reach it', circle, ['a'], 'basic'],
  ] as const) {
    it(`not ${name}`, () =>
      assert.equal(policy(hierarchy as unknown as Hierarchy).covers(granted, needed), false));
  }
});

describe('a step-up asks for', () => {
  it('what the operation needs, all of it', () => {
    assert.deepEqual(policy().stepUp(['basic', 'read'], ['write', 'audit']), ['write', 'audit']);
  });

  it('what the token has besides, if this resource knows it, each once', () => {
    const include = policy([{ scope: 'admin', includes: ['write'] }], 'IncludeGranted');
    assert.deepEqual(include.stepUp(['basic'], ['write']), ['basic', 'write']);
    assert.deepEqual(include.stepUp(['write', 'admin', 'read'], ['write', 'basic']), [
      'write',
      'admin',
      'read',
      'basic',
    ]);
    assert.deepEqual(include.stepUp(['evil"', 'openid', 'profile'], ['write']), ['write']);
  });
});
