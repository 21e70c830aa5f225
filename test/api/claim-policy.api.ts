// Who may say which installation of the operator manages a namespace, on a real API server with the chart's policy: operators.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CLAIM_NAME } from '../../src/api/names.ts';
import { isAlreadyExists, isForbidden, type ApiError } from '../../src/kube/errors.ts';
import { configMap, CONFIG_MAPS, eventually, never, write } from './connect.ts';
import { startWithUsers, type UsersServer } from './users.ts';

const VERBS = ['get', 'create', 'update', 'patch', 'delete'];
const CONFIG = { apiGroups: [''], resources: ['configmaps'], verbs: VERBS };
const own = (resource: string, verbs: readonly string[]) => ({
  apiGroups: ['protectedmcp.dev'],
  resources: [resource],
  verbs,
});

const USERS = {
  operator: { demo: [CONFIG, own('protectedmcpservers/status', ['patch'])] },
  'editor of ConfigMaps': { demo: [CONFIG] },
  'editor of servers': { demo: [CONFIG, own('protectedmcpservers', VERBS)] },
  'reader of status': { demo: [CONFIG, own('protectedmcpservers/status', ['get', 'list'])] },
  scaler: { demo: [CONFIG, own('protectedmcpservers/scale', ['patch', 'update'])] },
  'editor of pods': { demo: [CONFIG, { apiGroups: [''], resources: ['pods', 'pods/status'], verbs: VERBS }] },
  'operator elsewhere': { demo: [CONFIG], other: [CONFIG, own('protectedmcpservers/status', ['patch'])] },
};
const MAY_NOT = Object.keys(USERS).filter((name) => name !== 'operator');

const claim = (holder: string) => configMap(CLAIM_NAME, { holder });

describe('the policy for claims', { timeout: 120_000 }, () => {
  let server: UsersServer;

  before(async () => {
    server = await startWithUsers(['demo', 'other'], USERS);
    await server.installPolicy('claims');
    await eventually('the policy is in force', async () => {
      const probe = server
        .as('editor of ConfigMaps')
        .create(CONFIG_MAPS, claim('x'), { ...write, dryRun: true });
      return (await outcome(() => probe)) === 'refused';
    });
    await server.admin.apply(CONFIG_MAPS, claim('a/b'), write);
  });
  after(() => server.stop());

  async function outcome(attempt: () => Promise<unknown>): Promise<'done' | 'refused'> {
    try {
      await attempt();
      return 'done';
    } catch (error) {
      if (isAlreadyExists(error)) return 'done'; // what is asked after admission
      assert.ok(isForbidden(error), String(error));
      assert.match(
        (error as ApiError).message,
        /only operators write it.*"patch" on "protectedmcpservers\/status"/,
      );
      return 'refused';
    }
  }
  const attempts = async (user: string) => {
    const client = server.as(user);
    const live = await server.admin.get(
      CONFIG_MAPS,
      { name: CLAIM_NAME, namespace: 'demo' },
      { signal: never },
    );
    return {
      created: await outcome(() => client.create(CONFIG_MAPS, claim('x'), { ...write, dryRun: true })),
      applied: await outcome(() => client.apply(CONFIG_MAPS, claim('x/y'), { ...write, dryRun: true })),
      replaced: await outcome(() =>
        client.update(CONFIG_MAPS, { ...live, data: { holder: 'x' } }, { ...write, dryRun: true }),
      ),
      emptied: await outcome(() =>
        client.update(CONFIG_MAPS, { ...live, data: {} }, { ...write, dryRun: true }),
      ),
    };
  };

  for (const user of MAY_NOT)
    it(`keeps ${user} from writing one`, async () => {
      const found = Object.values(await attempts(user));
      assert.deepEqual(new Set(found), new Set(['refused']));
    });

  it('lets an operator write one', async () => {
    assert.deepEqual(new Set(Object.values(await attempts('operator'))), new Set(['done']));
  });

  it('leaves other ConfigMaps alone', async () => {
    for (const name of ['settings', `${CLAIM_NAME}-2`, 'protected-mcp-ca'])
      assert.equal(
        await outcome(() => server.as('editor of ConfigMaps').apply(CONFIG_MAPS, configMap(name), write)),
        'done',
      );
  });

  it('lets one be deleted, as the end of a namespace does', async () => {
    const gone = server
      .as('editor of ConfigMaps')
      .delete(CONFIG_MAPS, { name: CLAIM_NAME, namespace: 'demo' }, { signal: never });
    assert.equal(await outcome(() => gone), 'done');
  });
});
