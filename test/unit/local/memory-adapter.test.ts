// What the embedded authorization server stores: by model, until it expires, in bounded memory.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { memoryAdapter, MemoryStore } from '../../../src/local/authorization-server/memory-adapter.ts';

describe('memory adapter', () => {
  let now: number;
  let store: MemoryStore;
  const adapter = (model: string) => memoryAdapter(store)(model);
  beforeEach(() => {
    now = 0;
    store = new MemoryStore(() => now);
  });

  it('keeps models apart', async () => {
    await adapter('Session').upsert('1', { kind: 'Session' }, 60);
    assert.equal(await adapter('Grant').find('1'), undefined);
    assert.deepEqual(await adapter('Session').find('1'), { kind: 'Session' });
  });

  it('forgets what is past its time, also by its other keys', async () => {
    await adapter('Session').upsert('1', { uid: 'u' }, 60);
    assert.deepEqual(await adapter('Session').findByUid('u'), { uid: 'u' });
    now = 60_000;
    assert.equal(await adapter('Session').findByUid('u'), undefined);
    assert.equal(await adapter('Session').find('1'), undefined);
  });

  it('revokes what belongs to a grant', async () => {
    const tokens = adapter('RefreshToken');
    await tokens.upsert('1', { grantId: 'g' }, 60);
    await tokens.upsert('2', { grantId: 'h' }, 60);
    await tokens.revokeByGrantId('g');
    assert.equal(await tokens.find('1'), undefined);
    assert.ok(await tokens.find('2'));
  });

  it('marks what was used', async () => {
    const codes = adapter('AuthorizationCode');
    await codes.upsert('1', {}, 60);
    await codes.consume('1');
    assert.ok((await codes.find('1'))?.consumed);
  });

  it('does not grow with what is never asked for again', async () => {
    const codes = adapter('AuthorizationCode');
    for (let index = 0; index < 5000; index++) {
      now += 1000;
      await codes.upsert(String(index), {}, 60);
    }
    assert.ok(store.size < 1100, `${store.size} entries`);
  });
});
