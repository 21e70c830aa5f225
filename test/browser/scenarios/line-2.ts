// What people do with Inspector 2, up to the answer of a tool: both eras, with a client id and without.
import { describe, it } from 'node:test';
import { Line2Page, startLine2 } from '../inspectors/line-2.ts';
import { assertAsks, logIn, nextAuthorizationRequest, type Client } from '../login.ts';
import type { Stage } from '../stage.ts';

const PROTOCOLS = { legacy: '2025-11-25', modern: '2026-07-28' } as const;

export function line2Scenarios(stage: () => Stage): void {
  describe('Inspector 2', () => {
    for (const era of ['legacy', 'modern'] as const) {
      for (const client of ['given', 'registered'] as const) {
        const how = client === 'given' ? 'with a client id' : 'without a client id';
        it(`connects by ${PROTOCOLS[era]} ${how} and calls a tool`, async () => {
          const inspector = await startLine2(stage().target.ca);
          try {
            await stage().play(`inspector-2-${era}-${client}`, inspector.url, (page) =>
              connectAndCall(new Line2Page(page), stage(), { era, client }),
            );
          } finally {
            await inspector.stop();
          }
        });
      }
    }
  });
}

async function connectAndCall(
  window: Line2Page,
  { target }: Stage,
  { era, client }: { era: keyof typeof PROTOCOLS; client: Client },
): Promise<void> {
  await window.addServer(target.url);
  const settings = {
    ...(era === 'modern' && { era }),
    ...(client === 'given' && { clientId: target.clientId }),
  };
  if (Object.keys(settings).length > 0) await window.set(settings);
  const [asked] = await Promise.all([nextAuthorizationRequest(window.page), window.connect()]);
  assertAsks(asked, target, client);
  await logIn(window.page, target, client);
  await window.isConnected(PROTOCOLS[era]);
  await window.listTools();
  await window.callEcho('Hello! ');
  await window.page.getByText('Hello! Hello! Hello! ').waitFor();
}
