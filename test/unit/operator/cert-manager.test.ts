// Whether cert-manager is used: served and allowed, and nothing else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canUseCertManager } from '../../../src/operator/cert-manager.ts';
import type { Refusal } from '../../support/memory-api-server.ts';
import { silent, startApi } from './operator.ts';

describe('cert-manager', () => {
  const rows: readonly [name: string, isServed: boolean, refusal: Refusal | undefined, expected: boolean][] =
    [
      ['is used where it is served', true, undefined, true],
      ['is not used where it is not served', false, undefined, false],
      ['is not used without a right to it', true, { code: 403, reason: 'Forbidden' }, false],
      ['is not used while the API server cannot tell', true, { code: 500, reason: 'InternalError' }, false],
    ];
  for (const [name, certManager, refusal, expected] of rows) {
    it(name, async () => {
      const api = await startApi({ certManager });
      api.intercept = () => refusal;
      const options = { log: silent, signal: new AbortController().signal };
      assert.equal(await canUseCertManager(api.client(), undefined, options), expected);
      await api.close();
    });
  }
});
