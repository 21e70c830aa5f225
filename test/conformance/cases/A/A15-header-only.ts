// A15: tokens in query or body are ignored, so nothing else may be advertised.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const A15: Case = {
  id: 'A15',
  level: 'MUST°',
  rule: '`bearer_methods_supported`, where it is there, is ["header"]',
  source: 'RFC 9728 section 2; OAuth 2.1 section 5.1',
  async run(bench) {
    const { bearer_methods_supported: methods = ['header'] } = await bench.document(); // OPTIONAL
    assert.deepEqual(methods, ['header'], 'bearer_methods_supported');
  },
};
