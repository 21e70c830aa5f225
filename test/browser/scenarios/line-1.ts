// What people do with Inspector 1, up to the answer of a tool: Connect, the quick flow, the guided flow.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { Line1Page, startLine1, type Line1Connection } from '../inspectors/line-1.ts';
import type { InspectorProcess } from '../inspectors/process.ts';
import { assertAsks, logIn, nextAuthorizationRequest, type Client } from '../login.ts';
import type { Stage } from '../stage.ts';
import type { Target } from '../target.ts';

export function line1Scenarios(stage: () => Stage): void {
  describe('Inspector 1', () => {
    let inspector: InspectorProcess;
    before(async () => {
      inspector = await startLine1(stage().target.ca);
    });
    after(() => inspector?.stop());

    const play = (scenario: string, act: (window: Line1Page) => Promise<void>) =>
      stage().play(`inspector-1-${scenario}`, inspector.url, (page) => act(new Line1Page(page)));

    for (const connection of ['Via Proxy', 'Direct'] as const) {
      for (const client of ['given', 'registered'] as const) {
        const how = client === 'given' ? 'with a client id' : 'without a client id';
        it(`connects ${connection.toLowerCase()} ${how} and calls a tool`, () =>
          play(`${kebab(connection)}-${client}`, (window) =>
            connectAndCall(window, stage(), { connection, client }),
          ));
      }
    }
    flowScenarios(stage, play);
  });
}

type Play = (scenario: string, act: (window: Line1Page) => Promise<void>) => Promise<void>;

function flowScenarios(stage: () => Stage, play: Play): void {
  it('gets a token by the quick flow, and connects with it', () =>
    play('quick-flow', async (window) => {
      const { target } = stage();
      await openAuthSettings(window, target);
      const asking = nextAuthorizationRequest(window.page);
      const [asked] = await Promise.all([asking, window.startQuickFlow()]);
      assertAsks(asked, target, 'given');
      await logIn(window.page, target, 'given');
      await window.isAuthenticated();
      await window.connect();
      await useTool(window);
    }));

  it('gets a token by the guided flow, step by step, and connects with it', () =>
    play('guided-flow', async (window) => {
      const { target } = stage();
      await openAuthSettings(window, target);
      await window.startGuidedFlow();
      await window.continue();
      await window.found('OAuth Metadata Sources');
      await window.continue();
      await window.found('Registered Client Information');
      await window.continue();
      const asking = nextAuthorizationRequest(window.page);
      const [asked, tab] = await Promise.all([asking, window.openAuthorizationUrl()]);
      assertAsks(asked, target, 'given');
      await logIn(tab, target, 'given');
      await window.copyAuthorizationCode(tab);
      await window.pasteAuthorizationCode();
      await window.continue();
      await window.found('Token Request Details');
      await window.continue();
      await window.found('Access Tokens');
      await window.connect();
      await useTool(window);
    }));
}

async function connectAndCall(
  window: Line1Page,
  { target }: Stage,
  { connection, client }: { connection: Line1Connection['connection']; client: Client },
): Promise<void> {
  const calls = callsOf(window.page, target.url);
  await window.fillIn({
    url: target.url,
    connection,
    ...(client === 'given' && { clientId: target.clientId }),
  });
  const [asked] = await Promise.all([nextAuthorizationRequest(window.page), window.connect()]);
  assertAsks(asked, target, client);
  await logIn(window.page, target, client);
  await useTool(window);
  // Direct is the browser itself: preflights, Origin, what CORS exposes.
  assert.equal(calls.length > 0, connection === 'Direct');
}

async function openAuthSettings(window: Line1Page, { url, clientId }: Target): Promise<void> {
  await window.fillIn({ url, clientId, connection: 'Via Proxy' });
  await window.openAuthSettings();
}

async function useTool(window: Line1Page): Promise<void> {
  await window.isConnected();
  await window.listTools();
  await window.callEcho('Hello! ');
  await window.shows('"Hello! Hello! Hello! "');
}

/** The requests that the page itself sends to the MCP endpoint; grows as they come. */
function callsOf(page: Page, url: string): readonly string[] {
  const calls: string[] = [];
  page.on('request', (request) => {
    if (request.url() === url) calls.push(request.method());
  });
  return calls;
}

function kebab(text: string): string {
  return text.toLowerCase().replaceAll(' ', '-');
}
