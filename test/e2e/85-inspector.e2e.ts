// Both lines of the MCP Inspector in a real browser, against the operator's sidecar and Keycloak in the cluster.
import { after, before, describe } from 'node:test';
import { MCP_URL, NAMESPACE } from '../../scripts/demo/names.ts';
import { line1Scenarios } from '../browser/scenarios/line-1.ts';
import { line2Scenarios } from '../browser/scenarios/line-2.ts';
import { Stage } from '../browser/stage.ts';
import { SAMPLE } from '../browser/target.ts';
import { kubectl } from '../cluster/cluster.ts';
import { authorities, Demo } from './support/demo.ts';

describe('the MCP Inspector and the demo', () => {
  let demo: Demo;
  let stage: Stage;
  before(async () => {
    // The suite before it may just have deleted it.
    await kubectl(['wait', '--for=delete', `namespace/${NAMESPACE}`, '--timeout=120s']);
    demo = await Demo.start();
    stage = await Stage.open('cluster', {
      ...SAMPLE,
      url: MCP_URL,
      ca: await authorities(),
      asksConsent: true,
    });
  });
  after(async () => {
    await stage?.close();
    await demo?.interrupt();
    if (process.env.E2E_KEEP) return;
    await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false']);
  });

  line1Scenarios(() => stage);
  line2Scenarios(() => stage);
});
