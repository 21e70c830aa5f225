// The operator's environment: what is read, and what is said when it is wrong.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSettings, SettingsError } from '../../../src/operator/settings.ts';

const GOOD = { POD_NAMESPACE: 'protected-mcp-system', POD_NAME: 'operator-0', SIDECAR_IMAGE: 'sidecar:1' };

describe('settings', () => {
  it('have defaults for everything but where the operator runs', () => {
    const settings = readSettings(GOOD);
    assert.equal(settings.watchNamespaces, undefined);
    assert.equal(settings.leaderElection, true);
    assert.equal(settings.workers, 8);
  });

  it('split the watched namespaces', () => {
    assert.deepEqual(readSettings({ ...GOOD, WATCH_NAMESPACES: 'a, b' }).watchNamespaces, ['a', 'b']);
  });

  it('report every problem at once', () => {
    const env = {
      POD_NAME: 'x',
      WATCH_NAMESPACES: 'Not A Name',
      LEADER_ELECTION: 'maybe',
      WORKERS: 'many',
      LOG_LEVEL: 'loud',
    };
    assert.throws(
      () => readSettings(env),
      (error: unknown) => {
        assert.ok(error instanceof SettingsError);
        for (const name of [
          'POD_NAMESPACE',
          'SIDECAR_IMAGE',
          'WATCH_NAMESPACES',
          'LEADER_ELECTION',
          'WORKERS',
          'LOG_LEVEL',
        ]) {
          assert.match(error.message, new RegExp(name));
        }
        return true;
      },
    );
  });
});
