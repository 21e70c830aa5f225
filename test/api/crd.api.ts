// Our CRD on a real API server: it is accepted, its defaults and its rules hold, its status is a subresource.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CrdSchema } from '../../src/api/crd.ts';
import type { Client } from '../../src/kube/client.ts';
import { isConflict, isInvalid, type ApiError } from '../../src/kube/errors.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { readCrdSchema, readObject, sample, setField, validServer } from '../support/manifests.ts';
import { brokenRules } from './broken-rules.ts';
import { connect, createNamespace, CRDS, installCrd, never, SERVERS, write } from './connect.ts';

describe('the CRD on a real API server', { timeout: 120_000 }, () => {
  let server: ApiServer;
  let client: Client;
  let warnings: string[];
  let close: () => Promise<void>;

  before(async () => {
    server = await startApiServer();
    ({ client, close, warnings } = connect(server));
    await createNamespace(client, 'demo');
    await installCrd(client);
  });
  after(async () => {
    await close();
    await server.stop();
  });

  const named = (name: string, which: 'echo' | 'full' | 'keycloak' = 'full'): KubeObject => {
    const object = sample(which);
    setField(object, 'metadata.name', name);
    setField(object, 'metadata.namespace', 'demo');
    return object as unknown as KubeObject;
  };

  it('is accepted without a complaint about its schema, its rules or their cost', async () => {
    const { status } = await client.get(
      CRDS,
      { name: 'protectedmcpservers.protectedmcp.dev' },
      { signal: never },
    );
    const conditions = Object.fromEntries(
      (status?.conditions ?? []).map(({ type, status: value }) => [type, value]),
    );
    assert.deepEqual(conditions, { NamesAccepted: 'True', Established: 'True' });
    assert.deepEqual(warnings, []);
  });

  for (const which of ['echo', 'full', 'keycloak'] as const) {
    it(`takes the sample ${which}, and fills in the same defaults as local mode`, async () => {
      const created = await client.create(SERVERS, named(`sample-${which}`, which), write);
      assert.deepEqual(created.spec, validServer(named(`sample-${which}`, which)).spec);
      assert.equal(created.metadata.generation, 1);
    });
  }

  describe('refuses, with its message in its place,', () => {
    for (const { field, value, message } of brokenRules) {
      it(`${field}: ${JSON.stringify(value).slice(0, 60)}`, async () => {
        const object = named('broken');
        setField(object, field, value);
        await assert.rejects(
          client.create(SERVERS, object, { ...write, dryRun: true }),
          (error: ApiError) => {
            assert.ok(isInvalid(error), error.message);
            assert.match(error.message, message);
            const causes = error.body?.details?.causes ?? [];
            assert.ok(causes.some((cause) => message.test(cause.message ?? '')));
            return true;
          },
        );
        assert.equal(readObject(object).ok, false, 'local mode refuses it too');
      });
    }

    it('and no rule of the CRD is without a row', () => {
      const untested = messages(readCrdSchema()).filter(
        (text) => !brokenRules.some(({ message }) => message.test(text)),
      );
      assert.deepEqual(untested, []);
    });
  });

  for (const [rule, field, value, created, applied] of [
    [
      'an unknown field',
      'server.imge',
      'x',
      /unknown field "spec\.server\.imge"/,
      /field not declared in schema/,
    ],
    [
      'a field of the wrong type',
      'server.port',
      '8000',
      /port.*must be of type integer/,
      /port: expected numeric/,
    ],
    [
      'a value outside an enum',
      'network.isolation',
      'Maybe',
      /Unsupported value: "Maybe"/,
      /Unsupported value/,
    ],
    [
      'a missing field',
      'server.image',
      undefined,
      /spec\.server\.image: Required value/,
      /image: Required value/,
    ],
    [
      'an audience twice',
      'authentication.issuers[0].audiences',
      ['a', 'a'],
      /Duplicate value: "a"/,
      /duplicate entries/,
    ],
  ] as const) {
    it(`refuses ${rule}, which trying again does not help`, async () => {
      const object = named('wrong');
      setField(object, `spec.${field}`, value);
      for (const [send, message] of [
        [() => client.create(SERVERS, object, write), created],
        [() => client.apply(SERVERS, object, write), applied],
      ] as const) {
        await assert.rejects(send, (error: ApiError) => {
          assert.match(error.message, message);
          assert.equal(isInvalid(error), true, error.message);
          return true;
        });
      }
    });
  }

  it('names object and rule in one line of the error', async () => {
    const object = named('broken');
    setField(object, 'spec.server.port', 9001);
    await assert.rejects(client.apply(SERVERS, object, write), {
      message:
        /^apply ProtectedMcpServer demo\/broken: 422 Invalid: .*"broken" is invalid: spec\.server\.port: Invalid value/,
    });
  });

  it('keeps status writes away from the spec, and from the generation', async () => {
    const created = await client.create(SERVERS, named('status'), write);
    const { apiVersion, kind, metadata } = created;
    const status = (value: string, observedGeneration: number) => ({
      apiVersion,
      kind,
      metadata: { name: metadata.name ?? '', namespace: 'demo' },
      status: {
        observedGeneration,
        conditions: [
          {
            type: 'Ready',
            status: value,
            observedGeneration,
            lastTransitionTime: '2026-01-02T03:04:05Z',
            reason: 'Test',
            message: 'a test says so',
          },
        ],
      },
    });
    const options = { ...write, fieldManager: 'mcp-operator-status' };
    const first = await client.applyStatus(SERVERS, status('False', 1), options);
    assert.deepEqual(first.status, status('False', 1).status);
    assert.deepEqual([first.metadata.generation, first.spec], [1, created.spec]);

    const same = await client.applyStatus(SERVERS, status('False', 1), options);
    assert.equal(same.metadata.resourceVersion, first.metadata.resourceVersion, 'no change, no new version');

    const spec = named('status');
    setField(spec, 'spec.replicas', 3);
    const changed = await client.apply(SERVERS, spec, write);
    assert.deepEqual([changed.metadata.generation, changed.status], [2, first.status]);

    const withStatus = { ...spec, status: status('True', 2).status };
    const ignored = await client.apply(SERVERS, withStatus, write);
    assert.deepEqual(ignored.status, first.status, 'the main resource has no status to write');
    await client.applyStatus(SERVERS, status('True', 2), options);
    await assert.rejects(
      client.applyStatus(SERVERS, status('False', 2), { ...options, fieldManager: 'another', force: false }),
      (error: ApiError) => isConflict(error) && /conflict with "mcp-operator-status"/.test(error.message),
    );
  });
});

function messages(schema: CrdSchema): string[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
    ...Object.values(schema.properties ?? {}).flatMap(messages),
    ...(schema.items ? messages(schema.items) : []),
    ...(schema.additionalProperties ? messages(schema.additionalProperties) : []),
  ];
}
