// Both lines of the MCP Inspector, in a real browser, against what `npm start` runs.
import { after, before, describe } from 'node:test';
import { LocalMode } from '../support/local-mode.ts';
import { line1Scenarios } from './scenarios/line-1.ts';
import { line2Scenarios } from './scenarios/line-2.ts';
import { Stage } from './stage.ts';
import { SAMPLE } from './target.ts';

describe('the MCP Inspector and local mode', () => {
  let local: LocalMode;
  let stage: Stage;
  before(async () => {
    local = await LocalMode.start();
    stage = await Stage.open('local-mode', {
      ...SAMPLE,
      url: local.url,
      ca: await local.ca(),
      asksConsent: false,
    });
  });
  after(async () => {
    await stage?.close();
    await local?.end();
  });

  line1Scenarios(() => stage);
  line2Scenarios(() => stage);
});
