// Connections, credentials, deadlines and patience: what every call goes through.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it, mock } from 'node:test';
import { isStopped, type ApiError, type NoAnswerError } from '../../../src/kube/errors.ts';
import { selfSigned } from '../../kit/certificate.ts';
import { FakeScheduler, settle, until } from './fake-scheduler.ts';
import { CONFIG_MAPS, configMap } from './objects.ts';
import { json, startScriptedServer, status, watch, type ScriptedServer } from './scripted-server.ts';
import { clientOf, never } from './wire.ts';

const place = { name: 'a', namespace: 'demo' };

describe('the transport', () => {
  let server: ScriptedServer;
  const closing: (() => Promise<void>)[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'kube-'));

  before(async () => {
    server = await startScriptedServer();
  });
  beforeEach(() => {
    server.asked.splice(0);
    server.script(json(configMap('a')));
  });
  after(async () => {
    for (const close of closing) await close();
    await server.close();
    rmSync(directory, { recursive: true });
  });

  const connect = (
    ...options: Parameters<typeof clientOf> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    const made = clientOf(server, ...options);
    closing.push(made.close);
    return made;
  };
  const opened = async (work: () => Promise<unknown>): Promise<number> => {
    const before = server.connections();
    await work();
    return server.connections() - before;
  };

  it('sends 300 requests over at most 4 connections, two watches among them', async () => {
    const { client } = connect();
    const stop = new AbortController();
    const count = await opened(async () => {
      server.script(watch(), watch(), json(configMap('a')));
      const options = { signal: stop.signal, resourceVersion: '1', timeoutSeconds: 300 };
      const watches = [await client.watch(CONFIG_MAPS, options), await client.watch(CONFIG_MAPS, options)];
      for (let index = 0; index < 300; index++) await client.get(CONFIG_MAPS, place, { signal: never });
      const ends = watches.map((events) => assert.rejects(events.next(), isStopped));
      stop.abort();
      await Promise.all(ends);
    });
    assert.ok(count <= 4, `${count} connections`);
    assert.equal(server.asked.length, 302);
  });

  it('reads the token file again, and names itself', async () => {
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, 'first\n');
    const { client, credentials } = connect(
      {},
      server.config({ authProvider: { name: 'tokenFile', config: { tokenFile } } }),
    );
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    try {
      await client.get(CONFIG_MAPS, place, { signal: never });
      const { dispatcher } = await credentials.access();
      writeFileSync(tokenFile, 'second\n');
      mock.timers.tick(61_000); // the client library reads it once a minute; the old one stays good for longer
      await client.get(CONFIG_MAPS, place, { signal: never });
      assert.equal((await credentials.access()).dispatcher, dispatcher, 'the same connections');
    } finally {
      mock.timers.reset();
    }
    assert.deepEqual(
      server.asked.map(({ headers }) => [headers.authorization, headers['user-agent']]),
      [
        ['Bearer first', 'test'],
        ['Bearer second', 'test'],
      ],
    );
  });

  it('connects anew when the CA file changes, and lets open watches be', async () => {
    const caFile = join(directory, 'ca.crt');
    writeFileSync(caFile, server.ca);
    const config = server.config();
    config.loadFromClusterAndUser(
      { name: 'test', server: server.url, caFile, skipTLSVerify: false },
      { name: 'test' },
    );
    const { client } = connect({}, config);
    const stop = new AbortController();
    server.script(watch({ type: 'ADDED', object: configMap('a') }), json(configMap('a')));
    const options = { signal: stop.signal, resourceVersion: '1', timeoutSeconds: 300 };
    const events = await client.watch(CONFIG_MAPS, options);
    await client.get(CONFIG_MAPS, place, { signal: never });

    const other = await selfSigned('another');
    writeFileSync(caFile, other.cert);
    await assert.rejects(client.get(CONFIG_MAPS, place, { signal: never }), {
      code: 'connection',
      message: /^get ConfigMap demo\/a: self-signed certificate/,
    });
    writeFileSync(caFile, `${other.cert}\n${server.ca}`);
    assert.equal(await opened(() => client.get(CONFIG_MAPS, place, { signal: never })), 1);
    assert.equal((await events.next()).done, false);
    stop.abort();
    await assert.rejects(events.next(), isStopped);
  });

  it('gives up after the deadline, and says so', async () => {
    const scheduler = new FakeScheduler();
    const { client } = connect({ scheduler });
    server.script(() => undefined);
    const refused = assert.rejects(
      client.get(CONFIG_MAPS, place, { signal: never }),
      (error: NoAnswerError) => {
        assert.deepEqual(
          [error.code, error.message],
          ['timeout', 'get ConfigMap demo/a: no response within 10 s'],
        );
        return true;
      },
    );
    await until(() => server.asked.length === 1);
    await scheduler.advance(10_000);
    await refused;
    assert.deepEqual(scheduler.pending, []);
  });

  it('gives up opening a watch after the deadline, but not the watch', async () => {
    const scheduler = new FakeScheduler();
    const { client } = connect({ scheduler });
    const options = { signal: never, resourceVersion: '1', timeoutSeconds: 300, deadlineMs: 5_000 };
    server.script(() => undefined);
    const refused = assert.rejects(client.watch(CONFIG_MAPS, options), { code: 'timeout' });
    await until(() => server.asked.length === 1);
    await scheduler.advance(5_000);
    await refused;
    let send: () => void = () => undefined;
    server.script((res, request) => {
      watch()(res, request);
      send = () => res.write(`${JSON.stringify({ type: 'ADDED', object: configMap('a') })}\n`);
    });
    const events = await client.watch(CONFIG_MAPS, options);
    await scheduler.advance(600_000);
    send();
    assert.equal((await events.next()).done, false);
    await events.return(undefined);
  });

  it('stops with the signal, also before it began', async () => {
    const { client } = connect();
    const stop = new AbortController();
    server.script(() => undefined);
    const refused = assert.rejects(client.get(CONFIG_MAPS, place, { signal: stop.signal }), isStopped);
    await until(() => server.asked.length === 1);
    stop.abort();
    await refused;
    await assert.rejects(client.get(CONFIG_MAPS, place, { signal: stop.signal }), isStopped);
    assert.equal(server.asked.length, 1);
  });

  describe('when the server asks to come back', () => {
    const run = async (...script: Parameters<ScriptedServer['script']>) => {
      const scheduler = new FakeScheduler();
      const { client } = connect({ scheduler, random: () => 0.5 });
      server.script(...script);
      const result = client.get(CONFIG_MAPS, place, { signal: never }).then(
        () => 'done',
        (error: ApiError) => `${error.status} after ${error.retryAfterMs} ms`,
      );
      let isOver = false;
      void result.then(() => (isOver = true));
      const waits: number[] = [];
      for (let seen = 0; !isOver; await settle()) {
        await until(() => isOver || server.asked.length > seen);
        seen = server.asked.length;
        await until(() => isOver || scheduler.pending.length > 1);
        const [next = 0] = scheduler.pending;
        if (isOver || scheduler.pending.length < 2) continue;
        waits.push(next);
        await scheduler.advance(next);
      }
      return { result: await result, waits, tries: server.asked.length };
    };
    const later = (code: number, seconds: string) =>
      status(code, 'TooManyRequests', { 'retry-after': seconds });

    it('comes back then, not at the same moment as others', async () => {
      assert.deepEqual(await run(later(429, '1'), later(503, '2'), json(configMap('a'))), {
        result: 'done',
        waits: [1_125, 2_250],
        tries: 3,
      });
    });

    it('tries three times in all, and hands on how long to wait', async () => {
      assert.deepEqual(await run(later(429, '1')), {
        result: '429 after 1000 ms',
        waits: [1_125, 1_125],
        tries: 3,
      });
    });

    it('does not wait beyond the deadline', async () => {
      assert.deepEqual(await run(later(429, '60')), { result: '429 after 60000 ms', waits: [], tries: 1 });
    });

    it('and not unless it asks: a 500 or a bare 503 is the caller’s', async () => {
      assert.equal((await run(status(503, 'ServiceUnavailable'))).tries, 1);
      server.asked.splice(0);
      assert.equal((await run(later(500, '1'))).tries, 1);
    });
  });

  it('passes warnings on', async () => {
    const warnings: string[] = [];
    const { client } = connect({ onWarning: (text, what) => warnings.push(`${what}: ${text}`) });
    server.script(
      json(configMap('a'), { warning: '299 - "unknown field \\"spec.x\\"", 299 - "old, v1beta1"' }),
    );
    await client.get(CONFIG_MAPS, place, { signal: never });
    assert.deepEqual(warnings, [
      'get ConfigMap demo/a: unknown field "spec.x"',
      'get ConfigMap demo/a: old, v1beta1',
    ]);
  });

  for (const [rule, answer, message] of [
    [
      'a page of a proxy',
      (res) => res.writeHead(502).end('<html>\n bad gateway</html>'),
      '502 Unknown: <html> bad gateway</html>',
    ],
    ['no body', (res) => res.writeHead(401).end(), '401 Unauthorized: no message'],
    ['a redirect', (res) => res.writeHead(307, { location: '/x' }).end(), '307 Unknown: no message'],
    ['a good answer that is no JSON', (res) => res.end('hello'), 'response is not JSON'],
    ['a closed connection', (res) => res.destroy(), 'other side closed'],
  ] satisfies [string, Parameters<ScriptedServer['script']>[0], string][]) {
    it(`explains ${rule}`, async () => {
      server.script(answer);
      await assert.rejects(connect().client.get(CONFIG_MAPS, place, { signal: never }), {
        message: `get ConfigMap demo/a: ${message}`,
      });
    });
  }

  it('explains a server that is not there', async () => {
    const gone = await startScriptedServer();
    await gone.close();
    const { client } = clientOf(gone);
    await assert.rejects(client.get(CONFIG_MAPS, place, { signal: never }), {
      code: 'connection',
      message: /^get ConfigMap demo\/a: connect ECONNREFUSED 127\.0\.0\.1/,
    });
  });
});
