// FastMCP with its own code and behind the sidecar, line by line: and the page that tells people what they will see.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { selfSigned } from '../kit/certificate.ts';
import { startEmbeddedAuthorizationServer } from '../support/embedded-authorization-server.ts';
import { freePorts } from '../kit/free-ports.ts';
import { TestIssuer } from '../kit/issuer.ts';
import { readObject } from '../support/manifests.ts';
import { compareAll } from './compare.ts';
import { startPair, type Pair } from './pair.ts';
import { FASTMCP_VERSION, python } from './python.ts';
import { REAL_SITUATIONS, type RealWorld } from './real-situations.ts';
import {
  NEVER_REACHED,
  rotate,
  ROTATED,
  SHAPES,
  UNREACHABLE,
  untilAccepted,
  type ScriptedWorld,
} from './scripted-situations.ts';
import type { Situation } from './situation.ts';
import { codeBlock, pageWith, readPage, resourceOnPage, table, writePage, type Row } from './table.ts';
import { logInForTokens } from './tokens.ts';

const KEYS = 'Keys';
const ONE_THING = 'A token that is good but for one thing';
const TITLES = [...Object.keys(REAL_SITUATIONS), KEYS, ONE_THING];
const seen = new Map<string, Row[]>(TITLES.map((title) => [title, []]));
const record = (title: string) => (row: Row) => void seen.get(title)?.push(row);

// Side by side: the second waits for FastMCP's half minutes most of the time.
describe('both arrangements', { concurrency: true }, () => {
  describe('with the embedded authorization server', { concurrency: 1 }, () => {
    const closing: (() => Promise<unknown>)[] = [];
    let world: RealWorld;
    before(async () => {
      const environment = await python();
      const servers = await Promise.all([
        startEmbeddedAuthorizationServer(),
        startEmbeddedAuthorizationServer(),
      ]);
      closing.push(...servers.map((server) => () => server.close()));
      const [realm, other] = servers.map(({ issuer, authority }) => ({ issuer, ca: authority.certificate }));
      const pair = await startPair({ python: environment, issuer: realm!.issuer, issuerCa: realm!.ca });
      closing.push(pair.stop);
      const tokens = await logInForTokens(realm!, other!);
      world = { pair, python: environment, tokens, callbackPort: (await freePorts(1))[0]! };
    });
    after(() => Promise.all(closing.map((close) => close())));

    for (const [title, situations] of Object.entries(REAL_SITUATIONS)) {
      describe(title, () =>
        compareAll({ situations, pair: () => world.pair, world: () => world, record: record(title) }),
      );
    }
  });

  describe('with an issuer that signs whatever is asked', { concurrency: 1 }, () => {
    let issuer: TestIssuer;
    let pair: Pair;
    let world: ScriptedWorld & { readonly old: string };
    before(async () => {
      const certificate = await selfSigned();
      issuer = await TestIssuer.start(certificate);
      issuer.up = false;
      const where = { python: await python(), issuer: issuer.issuer, issuerCa: certificate.cert };
      pair = await startPair({ ...where, requiredScopes: ['mcp:basic'], untilReady: false });
      world = { issuer, old: '' };
    });
    after(async () => {
      await pair?.stop();
      await issuer?.close();
    });
    const compareThese = (title: string, situations: readonly Situation<typeof world>[]) =>
      compareAll({ situations, pair: () => pair, world: () => world, record: record(title) });

    describe(KEYS, () => {
      compareThese(KEYS, [NEVER_REACHED]);
      it('(both have keys, and then these are replaced)', async () => {
        issuer.up = true;
        for (const side of [pair.withCode, pair.behindSidecar]) await untilAccepted(side, issuer.token());
        world = { issuer, old: await rotate(issuer) };
      });
      compareThese(KEYS, ROTATED);
      it('(the issuer goes down)', () => {
        issuer.up = false;
      });
      compareThese(KEYS, UNREACHABLE);
    });
    describe(ONE_THING, () => {
      before(() => {
        issuer.up = true;
      });
      compareThese(ONE_THING, SHAPES);
    });
  });
});

describe('docs/coming-from-fastmcp.md', () => {
  it('shows what was seen, and the programs that it was seen with (UPDATE_DOCS=1 writes it)', async () => {
    const sections = [...seen].map(([title, rows]) => ({ title, rows }));
    const page = await pageWith({
      table: table(sections, FASTMCP_VERSION),
      before: await codeBlock('server_with_auth.py', 'python'),
      after: await codeBlock('server.py', 'python'),
    });
    if (process.env['UPDATE_DOCS']) await writePage(page);
    assert.equal(await readPage(), page);
  });

  it('shows a resource that is valid', async () => {
    const read = readObject(await resourceOnPage());
    assert.ok(read.ok, JSON.stringify(read));
  });
});
