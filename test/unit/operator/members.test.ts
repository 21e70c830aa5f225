// A server as the waves look at it: one row a situation.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PAUSED_ANNOTATION, REVISION_ANNOTATION } from '../../../src/api/names.ts';
import type { Applied } from '../../../src/api/protected-mcp-server.gen.ts';
import type { Deployment, ServerObject } from '../../../src/operator/kinds.ts';
import { memberOf, type Member } from '../../../src/operator/members.ts';
import { deployment, serverObject } from '../../support/operator-inputs.ts';

const OLD: Applied = {
  generation: 3,
  sidecarImage: 'sidecar:1',
  revision: 'old',
  digest: 'digest',
  replaced: 'Nothing',
};

function known(changes: Partial<Applied> = {}, change: (server: ServerObject) => void = () => undefined) {
  return serverObject((server) => {
    server.status = { applied: { ...OLD, ...changes } };
    change(server);
  });
}

function live(
  revision: string,
  status: Partial<NonNullable<Deployment['status']>> = {},
  replicas = 1,
): Deployment {
  const one = deployment(status, replicas);
  return { ...one, metadata: { ...one.metadata, annotations: { [REVISION_ANNOTATION]: revision } } };
}

const ending = (one: Deployment): Deployment => ({
  ...one,
  metadata: { ...one.metadata, deletionTimestamp: '2026-11-23T12:00:00Z' },
});
const stalled = (server: ServerObject) => {
  const condition = { status: 'False', reason: 'Stalled', message: '', lastTransitionTime: '' } as const;
  server.status = { ...server.status, conditions: [{ type: 'Progressing', ...condition }] };
};
const refused = (server: ServerObject) => {
  const condition = { status: 'False', reason: 'ApplyFailed', message: '', lastTransitionTime: '' } as const;
  server.status = { ...server.status, conditions: [{ type: 'Accepted', ...condition }] };
};
const complete = { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' };
const deadline = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' };
const half = { replicas: 2, updatedReplicas: 1, availableReplicas: 1 };

interface Row {
  readonly situation: string;
  readonly server: ServerObject;
  readonly live: Deployment | undefined;
  /** Undefined: it is none. */
  readonly then: Partial<Member> | undefined;
}

const ROWS: readonly Row[] = [
  { situation: 'without a Deployment', server: known(), live: undefined, then: undefined },
  { situation: 'of which nothing is known', server: serverObject(), live: live('old'), then: undefined },
  {
    situation: 'paused',
    server: known({}, ({ metadata }) => (metadata.annotations = { [PAUSED_ANNOTATION]: 'yes' })),
    live: live('old'),
    then: undefined,
  },
  {
    situation: 'being deleted',
    server: known({}, ({ metadata }) => (metadata.deletionTimestamp = '2026-11-23T12:00:00Z')),
    live: live('old'),
    then: undefined,
  },
  {
    situation: 'whose Deployment is being deleted, and is kept by a finalizer',
    server: known({ revision: 'new' }),
    live: ending(live('new', half)),
    then: { isWaiting: false, progress: 'idle' },
  },
  {
    situation: 'with an earlier version',
    server: known(),
    live: live('old'),
    then: { isWaiting: true, revision: 'old', progress: 'done', isEvidence: true },
  },
  {
    situation: 'with the newest',
    server: known({ revision: 'new' }),
    live: live('new'),
    then: { isWaiting: false, revision: 'new', replaced: 'Nothing', isEvidence: true },
  },
  {
    situation: 'with the newest, of which the status says nothing yet: it counts',
    server: known(),
    live: live('new'),
    then: { isWaiting: false, revision: 'new', replaced: 'Ready', isEvidence: false },
  },
  {
    situation: 'with the newest, of which the Deployment says otherwise',
    server: known({ revision: 'new' }),
    live: live('old'),
    then: { isWaiting: false, revision: 'new' },
  },
  {
    situation: 'with a Deployment that its controller has not seen',
    server: known(),
    live: live('old', { observedGeneration: 1 }),
    then: { progress: 'under-way' },
  },
  {
    situation: 'that is rolled out halfway',
    server: known(),
    live: live('old', half),
    then: { progress: 'under-way' },
  },
  {
    situation: 'that does not get on, by its pods',
    server: known({}, stalled),
    live: live('old', half),
    then: { progress: 'failing' },
  },
  {
    situation: 'that did not get on, and does now',
    server: known({}, stalled),
    live: live('old'),
    then: { progress: 'done' },
  },
  {
    situation: 'that does not get on, by its Deployment',
    server: known(),
    live: live('old', { ...half, conditions: [deadline] }),
    then: { progress: 'failing' },
  },
  {
    situation: 'that was rolled out and serves no more',
    server: known(),
    live: live('old', { availableReplicas: 0, conditions: [complete] }),
    then: { progress: 'failing' },
  },
  { situation: 'without replicas', server: known(), live: live('old', {}, 0), then: { progress: 'idle' } },
  {
    situation: 'with a sidecar of its own',
    server: known({}, ({ spec }) => (spec.sidecar.image = 'mine:1')),
    live: live('old'),
    then: { isEvidence: false },
  },
  {
    situation: 'whose objects are refused',
    server: known({}, refused),
    live: live('old'),
    then: { isRefused: true },
  },
  {
    situation: 'with the newest, whose objects are not put right any more',
    server: known({ revision: 'new' }, refused),
    live: live('new'),
    then: { isWaiting: false, progress: 'done', isEvidence: false },
  },
];

describe('a server', () => {
  for (const row of ROWS)
    it(row.situation, () => {
      const member = memberOf(row.server, row.live, 'new');
      if (row.then === undefined || member === undefined) return assert.equal(member, row.then);
      const found = Object.entries(member).filter(([name]) => name in row.then!);
      assert.deepEqual(Object.fromEntries(found), row.then);
    });
});
