// When a pod is changed so that the kubelet looks at it, and when no more.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONFIGURATION_ANNOTATION } from '../../../src/api/names.ts';
import { nextNudge, nudges } from '../../../src/operator/config-nudge.ts';
import { NOW, pod, report, sidecarStatus } from '../../support/operator-inputs.ts';

const WANTED = 'c0ffee'.padEnd(64, '0');
const outdated = (configuration?: string) => pod({ configuration });
const current = pod({ report: report({ status: sidecarStatus({ configDigest: WANTED }) }) });
const value = (attempt: number, at = NOW) => `${WANTED.slice(0, 16)}.${attempt}.${at}`;

const annotation = (configuration: string | undefined, now = NOW) =>
  nudges('demo', [outdated(configuration)], WANTED, now)[0]?.metadata.annotations?.[CONFIGURATION_ANNOTATION];

describe('a pod with an earlier configuration', () => {
  it('is changed at once: its annotation, and nothing else of exactly that pod', () => {
    assert.deepEqual(nudges('demo', [outdated()], WANTED, NOW), [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'echo-1',
          namespace: 'demo',
          uid: 'pod-uid',
          annotations: { [CONFIGURATION_ANNOTATION]: value(1) },
        },
      },
    ]);
  });

  it('is changed again after 4, 8, 16 and 32 s, and then left to the kubelet', () => {
    let at = NOW;
    let attempt = 1;
    for (const waitMs of [4_000, 8_000, 16_000, 32_000]) {
      assert.equal(annotation(value(attempt, at), at + waitMs - 1), undefined);
      assert.equal(nextNudge([outdated(value(attempt, at))], WANTED), at + waitMs);
      at += waitMs;
      assert.equal(annotation(value(attempt, at - waitMs), at), value(++attempt, at));
    }
    assert.equal(annotation(value(5, at), at + 3_600_000), undefined);
    assert.equal(nextNudge([outdated(value(5, at))], WANTED), undefined);
  });

  it('is changed at once for a configuration that is newer still', () => {
    assert.equal(annotation(`${'f'.repeat(16)}.5.${NOW}`), value(1));
  });

  it('is changed at once where the annotation is not the operator’s', () => {
    for (const strange of [
      '',
      'x',
      WANTED,
      `${value(1)}.2`.replace('.1.', '.99.'),
      `${WANTED.slice(0, 16)}.1.`,
    ])
      assert.equal(annotation(strange), value(1), strange);
  });
});

describe('a pod whose sidecar has refused a configuration', () => {
  it('is brought the next one at once', () => {
    const status = sidecarStatus({ configProblem: 'no', refusedDigest: 'of the one before' });
    const state = pod({ report: report({ status }) });
    assert.equal(nudges('demo', [state], WANTED, NOW).length, 1);
  });
});

describe('a pod is left alone', () => {
  const cases = {
    'when it has the newest configuration': current,
    'when its sidecar cannot use the newest configuration: it has it already': pod({
      report: report({ status: sidecarStatus({ configProblem: 'no' }) }),
    }),
    'when its sidecar says that it is the newest that it cannot use': pod({
      report: report({ status: sidecarStatus({ configProblem: 'no', refusedDigest: WANTED }) }),
    }),
    'when it does not answer': pod({ report: report({ status: undefined, error: 'timed out' }) }),
    'when it was not asked yet': pod({ report: undefined }),
  };
  for (const [when, state] of Object.entries(cases)) {
    it(when, () => {
      assert.deepEqual(nudges('demo', [state], WANTED, NOW), []);
      assert.equal(nextNudge([state], WANTED), undefined);
    });
  }
});
