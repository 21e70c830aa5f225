// Which version a server gets: one row a situation. And what is kept of it, so that it cannot be forged.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REVISION_ANNOTATION } from '../../../src/api/names.ts';
import type { Manifest } from '../../../src/api/object.ts';
import { deployment as desiredDeployment } from '../../../src/desired/deployment.ts';
import { appliedOf, choose } from '../../../src/operator/applied.ts';
import type { Deployment, ServerObject } from '../../../src/operator/kinds.ts';
import { referenceDeployment, versionOf } from '../../../src/operator/revision.ts';
import { sample, validServer } from '../../support/manifests.ts';
import { deployment, serverObject } from '../../support/operator-inputs.ts';

const OLD = versionOf('sidecar:1');
const NEWEST = versionOf('sidecar:2');

type Template = Record<string, unknown>;
type Whole = Deployment & {
  spec: {
    replicas?: number;
    template: { metadata: { annotations: Template }; spec: { containers: Template[] } };
  };
};

/** As the operator has left it, with what the API server adds. */
function left(change: (live: Whole) => void = () => undefined, revision = OLD.revision): Deployment {
  const live = {
    ...deployment(),
    metadata: { ...deployment().metadata, annotations: { [REVISION_ANNOTATION]: revision } },
    spec: {
      replicas: 1,
      template: {
        metadata: { annotations: { 'kubectl.kubernetes.io/default-container': 'server' } },
        spec: { containers: [{ name: 'server' }, { name: 'auth-sidecar', image: 'sidecar:1' }] },
      },
    },
  };
  change(live);
  return live;
}

/** A server of which the operator has applied the old version. */
function known(change: (server: ServerObject) => void = () => undefined): ServerObject {
  return serverObject((server) => {
    server.status = { applied: appliedOf(server, OLD, undefined, left()) };
    change(server);
  });
}

interface Row {
  readonly situation: string;
  readonly server?: ServerObject;
  readonly live?: Deployment | undefined;
  readonly hasTurn?: boolean;
  readonly then: 'newest' | 'left' | 'old image' | 'old image, corrected';
}

const ROWS: readonly Row[] = [
  { situation: 'a new server gets the newest', server: serverObject(), live: undefined, then: 'newest' },
  {
    situation: 'one of which nothing is known gets the newest',
    server: serverObject(),
    live: left(),
    then: 'newest',
  },
  { situation: 'one whose turn it is gets the newest', hasTurn: true, then: 'newest' },
  {
    situation: 'one that has the newest gets the newest again',
    server: known((server) => (server.status = { applied: appliedOf(server, NEWEST, undefined, left()) })),
    then: 'newest',
  },
  {
    situation: 'one that got the newest before the status was written gets the newest',
    live: left((live) => (live.spec.template.spec.containers[1]!['image'] = 'sidecar:2'), NEWEST.revision),
    then: 'newest',
  },
  {
    situation: 'one that has the newest by the status keeps it, whatever its Deployment says',
    server: known((server) => (server.status = { applied: appliedOf(server, NEWEST, undefined, left()) })),
    live: left(undefined, OLD.revision),
    then: 'newest',
  },
  { situation: 'one that waits is left as it is', then: 'left' },
  {
    situation: 'so is one that was restarted by hand',
    live: left(
      (live) =>
        (live.spec.template.metadata.annotations['kubectl.kubernetes.io/restartedAt'] =
          '2026-11-23T12:00:00Z'),
    ),
    then: 'left',
  },
  {
    situation: 'so is one that an autoscaler has scaled',
    server: known((server) => delete server.spec.replicas),
    live: left((live) => (live.spec.replicas = 7)),
    then: 'left',
  },
  {
    situation: 'one that was changed by its owner keeps the image alone',
    server: known((server) => (server.metadata.generation = 4)),
    then: 'old image',
  },
  {
    situation: 'one whose Deployment was deleted keeps the image',
    live: undefined,
    then: 'old image',
  },
  {
    situation: 'another image of the sidecar is corrected',
    live: left((live) => (live.spec.template.spec.containers[1]!['image'] = 'evil:1')),
    then: 'old image, corrected',
  },
  {
    situation: 'so is one of an earlier release',
    live: left((live) => (live.spec.template.spec.containers[1]!['image'] = 'sidecar:0')),
    then: 'old image, corrected',
  },
  {
    situation: 'so is one with an annotation that says it were of an earlier release',
    live: left(
      (live) => (live.spec.template.spec.containers[1]!['image'] = 'sidecar:0'),
      versionOf('sidecar:0').revision,
    ),
    then: 'old image, corrected',
  },
  {
    situation: 'so is another container',
    live: left((live) => live.spec.template.spec.containers.push({ name: 'evil' })),
    then: 'old image, corrected',
  },
  {
    situation: 'so is a container too few',
    live: left((live) => live.spec.template.spec.containers.pop()),
    then: 'old image, corrected',
  },
  {
    situation: 'so is an annotation of the pods',
    live: left((live) => (live.spec.template.metadata.annotations['sidecar.istio.io/inject'] = 'false')),
    then: 'old image, corrected',
  },
  {
    situation: 'so are replicas that the resource gives',
    server: known((server) => {
      server.spec.replicas = 1;
      server.status = { applied: appliedOf(server, OLD, undefined, left()) };
    }),
    live: left((live) => (live.spec.replicas = 0)),
    then: 'old image, corrected',
  },
];

describe('the version of a server', () => {
  for (const row of ROWS)
    it(row.situation, () => {
      const { server = known(), hasTurn = false } = row;
      const live = 'live' in row ? row.live : left();
      const choice = choose({ server, live, newest: NEWEST, hasTurn });
      const image = choice.version.sidecarImage === NEWEST.sidecarImage ? 'newest' : 'old image';
      assert.equal(choice.isLeft ? 'left' : `${image}${choice.isChanged ? ', corrected' : ''}`, row.then);
      assert.equal(choice.version.revision, (image === 'newest' ? NEWEST : OLD).revision);
    });
});

describe('what is kept of a version', () => {
  it('is the same after a second look', () => {
    const server = known();
    assert.deepEqual(appliedOf(server, OLD, left(), left()), server.status?.applied);
  });

  it('is the image of the operator, also where the resource names another', () => {
    const server = serverObject((object) => (object.spec.sidecar.image = 'mine:1'));
    assert.equal(appliedOf(server, OLD, undefined, left()).sidecarImage, 'sidecar:1');
  });

  for (const [replaced, before] of [
    ['Nothing', undefined],
    ['Ready', left()],
    ['Unready', { ...left(), status: {} }],
    ['Unready', { ...left(), spec: { replicas: 0 }, status: { observedGeneration: 2 } }],
  ] as const)
    it(`says what it replaced: ${replaced}`, () => {
      assert.equal(appliedOf(serverObject(), NEWEST, before, left()).replaced, replaced);
    });

  it('says of one that never worked that it is nothing, too', () => {
    const failed = { ...left(), status: { ...left().status, availableReplicas: 0 } };
    const stalled = { type: 'Progressing', status: 'False', reason: 'Stalled', message: '' } as const;
    const server = known((object) => {
      object.status = { ...object.status, conditions: [{ ...stalled, lastTransitionTime: '' }] };
    });
    assert.equal(appliedOf(server, NEWEST, failed, left()).replaced, 'Nothing');
  });

  it('says what it replaced until the next one comes', () => {
    const server = known();
    const unready = { ...left(), status: {} };
    assert.equal(appliedOf(server, OLD, unready, left()).replaced, 'Nothing');
    assert.equal(appliedOf(server, NEWEST, unready, left()).replaced, 'Unready');
  });
});

describe('a revision', () => {
  it('is another for another sidecar, and the same for the same', () => {
    assert.notEqual(versionOf('sidecar:1').revision, versionOf('sidecar:2').revision);
    assert.deepEqual(versionOf('sidecar:1'), versionOf('sidecar:1'));
  });

  it('covers everything that the operator itself puts into the pods of a server with every field', () => {
    const full = parts(desiredDeployment({ server: validServer(sample('full')), sidecarImage: 'sidecar:1' }));
    const reference = new Set(parts(referenceDeployment('sidecar:1')));
    assert.ok(full.length > 40, `${full.length} parts`);
    assert.deepEqual(
      full.filter((part) => !reference.has(part)),
      [],
    );
  });
});

/** Where something stands in the sidecar's container, in what the server's is given by the operator, and in its volumes. */
function parts({ spec }: Manifest): string[] {
  const { template } = spec as {
    template: { spec: Record<string, unknown> & { containers: Template[]; volumes: Template[] } };
  };
  const [server, sidecar] = template.spec.containers;
  const { resources: _, image: __, ...own } = sidecar!;
  const { lifecycle, securityContext } = server!;
  const volumes = template.spec.volumes.filter(({ name }) => /^protected-mcp-/.test(String(name)));
  return [
    ...paths(own, 'sidecar'),
    ...paths(
      { lifecycle, securityContext: { ...(securityContext as object), readOnlyRootFilesystem: undefined } },
      'server',
    ),
    ...volumes.map(({ name }) => `volume ${String(name)}`),
  ].map((part) => part.replace(/protected-mcp-(ca|introspection)-1/, 'protected-mcp-$1-0'));
}

function paths(value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    const of = (entry: unknown) => String((entry as { name?: unknown } | null)?.name ?? entry);
    return value.flatMap((entry) =>
      paths(typeof entry === 'object' ? entry : undefined, `${path}[${of(entry)}]`),
    );
  }
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [path];
  return Object.entries(value).flatMap(([name, inner]) => paths(inner, `${path}.${name}`));
}
