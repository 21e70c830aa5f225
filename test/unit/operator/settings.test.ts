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

  const rows: readonly [variable: string, value: string | undefined, text: RegExp][] = [
    ['POD_NAMESPACE', undefined, /POD_NAMESPACE: is not set/],
    ['SIDECAR_IMAGE', '', /SIDECAR_IMAGE: is not set/],
    ['POD_NAME', 'Operator_0', /POD_NAME: "Operator_0" is not a Kubernetes name/],
    ['WATCH_NAMESPACES', 'a,Not A Name', /WATCH_NAMESPACES: "Not A Name" is not a Kubernetes name/],
    ['LEADER_ELECTION', 'maybe', /LEADER_ELECTION: must be true or false/],
    ['WORKERS', '0', /WORKERS: must be a number from 1 to 64/],
    ['WORKERS', '1.5', /WORKERS: must be a number from 1 to 64/],
    ['LOG_LEVEL', 'loud', /LOG_LEVEL: must be one of debug, info, warn, error/],
    ['HEALTH_PORT', '65536', /HEALTH_PORT: must be a number from 0 to 65535/],
  ];
  for (const [variable, value, text] of rows) {
    it(`refuse ${variable}=${value}`, () => {
      assert.throws(() => readSettings({ ...GOOD, [variable]: value }), text);
    });
  }

  it('take an empty variable for one that is not set', () => {
    const empty = { WATCH_NAMESPACES: '', LEASE_NAME: '', WORKERS: '', LOG_LEVEL: '' };
    assert.deepEqual(readSettings({ ...GOOD, ...empty }), readSettings(GOOD));
  });
});
