// One proxied request against every order of events: it is answered once, whole or visibly cut, and never after its end.
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Permit } from '../../../../src/sidecar/authorization/authorize.ts';
import type { Denial } from '../../../../src/sidecar/denial/denial.ts';
import { RequestHeaders } from '../../../../src/sidecar/http/request-headers.ts';
import type { Framing } from '../../../../src/sidecar/http/response-parser.ts';
import { readCall } from '../../../../src/sidecar/messages/call.ts';
import { proxy, type ProxiedRequest, type ProxyOptions } from '../../../../src/sidecar/proxy/proxy.ts';
import { ResponseHeaders } from '../../../../src/sidecar/proxy/response-headers.ts';
import { nextState, type ResponseState } from '../../../../src/sidecar/proxy/response-state.ts';
import { UpstreamError, type ExchangeEvents } from '../../../../src/sidecar/proxy/upstream-connection.ts';
import { legacy, modern, type SentMessage } from '../../../kit/messages.ts';

const TOKEN_ENDS = 1_000_000;
const GRACE = 1_000;

const headers = new RequestHeaders(
  { claimToHeaders: [], identityAssertion: undefined, forwardOriginalToken: false },
  'test',
);

/** A request that is with the server, and what comes of it at both ends. */
class Bench {
  readonly proxied: ProxiedRequest;
  readonly refusals: Denial[] = [];
  /** What the client received. */
  received = '';
  /** What the server received, and whether its connection was closed on it. */
  sent = '';
  isAborted = false;
  readonly res: ServerResponse;

  constructor({ body, headers: fields }: SentMessage) {
    const req = new IncomingMessage(new Socket());
    req.method = 'POST';
    req.complete = true;
    this.res = new ServerResponse(req);
    const [client, side] = duplexPair();
    client.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    this.res.assignSocket(side as unknown as Socket); // a response needs no more of it than a stream has
    const request = { req, res: this.res, fields: headers.read(Object.entries(fields).flat()) };
    const reading = readCall(Buffer.from(body), request, '');
    assert.ok(reading.ok);
    const options: Omit<ProxyOptions, 'session' | 'admission'> = {
      settings: {
        upstream: { start: (_, events) => this.#start(events) },
        responseHeaders: new ResponseHeaders(),
        path: '/mcp',
        hostLine: 'Host: a\r\n',
        forwardedLines: '',
        callGraceMs: GRACE,
        maxStreamMs: 10 * TOKEN_ENDS,
        keepAliveMs: 10,
      },
      identityLine: '',
      responseFields: [],
      mayGoOn: () => true,
      deny: (denial) => {
        this.refusals.push(denial);
        if (this.res.headersSent) this.res.destroy();
        else this.res.writeHead(500, { 'Content-Length': 7 }).end('refused');
      },
    };
    // Made by hand: what may become of a request does not depend on who may make one.
    const permit = { principal: { expiresAt: TOKEN_ENDS, headerLines: '' }, call: reading.call };
    this.proxied = proxy(
      permit as unknown as Permit,
      { ...options, session: { observe: undefined }, admission: {} } as unknown as ProxyOptions,
    );
  }

  #start(_events: ExchangeEvents) {
    return {
      write: (data: string | Buffer) => {
        this.sent += data.toString('latin1');
        return true;
      },
      finish: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      abort: () => void (this.isAborted = true),
    };
  }

  /** What was written has arrived. */
  settled(): Promise<void> {
    return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}

type Step =
  | { readonly kind: 'body'; readonly text: string }
  | {
      readonly kind:
        | 'readEnd'
        | 'end'
        | 'error'
        | 'throws'
        | 'drain'
        | 'clientGone'
        | 'tick'
        | 'expired'
        | 'late'
        | 'refused'
        | 'renewed';
    };

const framing = fc.constantFrom<Framing>(
  { kind: 'none' },
  { kind: 'length', length: 20 },
  { kind: 'length', length: 1_000_000 },
  { kind: 'chunked' },
  { kind: 'close' },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('data: 1\n\n', 'data: 1\n', 'x')
      .map((text) => ({ kind: 'body' as const, text })),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom<Exclude<Step['kind'], 'body'>>(
        ...([
          'readEnd',
          'readEnd',
          'end',
          'error',
          'throws',
          'drain',
          'clientGone',
          'tick',
          'expired',
          'late',
          'refused',
          'renewed',
        ] as const),
      ),
    }),
  },
);
const message = fc.constantFrom<SentMessage>(
  legacy('ping'),
  modern('subscriptions/listen', { notifications: {} }),
  modern('tools/call', { name: 'echo' }),
);

/** Does a step as the pool and the gateway would: after the end of its exchange the pool says nothing more. */
function take(bench: Bench, { kind, ...rest }: Step, isExchangeOver: boolean): void {
  const { proxied, res } = bench;
  const fromServer = !isExchangeOver;
  switch (kind) {
    case 'body':
      if (fromServer) proxied.onBody(Buffer.from((rest as { text: string }).text));
      return;
    case 'readEnd':
      return proxied.onReadEnd(); // may follow the end: it is of the same read
    case 'end':
      if (fromServer) proxied.onEnd();
      return;
    case 'error':
      if (fromServer) proxied.onError(new UpstreamError('reset', 'reset'));
      return;
    case 'throws':
      if (fromServer) proxied.onUnexpected(new Error('fault'));
      return;
    case 'drain':
      if (proxied.isListening) proxied.endListening();
      return;
    case 'clientGone':
      return void res.destroy();
    case 'tick':
      return proxied.expire(0);
    case 'expired':
      return proxied.expire(TOKEN_ENDS);
    case 'late':
      return proxied.expire(TOKEN_ENDS + GRACE);
    case 'refused':
      return proxied.refuse({ kind: 'invalid_token', reason: 'inactive' });
    case 'renewed':
      return proxied.renew(proxied.principal);
    default:
      return kind satisfies never;
  }
}

describe('a proxied request', () => {
  it('is answered once, whatever happens in whatever order', async () => {
    const scenario = fc.tuple(
      message,
      fc.boolean(),
      framing,
      fc.boolean(),
      fc.array(step, { maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(scenario, async ([sent, headFirst, frame, isEventStream, steps]) => {
        const bench = new Bench(sent);
        const type = isEventStream ? 'text/event-stream' : 'application/json';
        const head = { status: 200, fields: ['Content-Type', type], framing: frame, keepAlive: true };
        let isOver = false;
        let isCut = false;
        let hasHead = headFirst;
        if (headFirst) bench.proxied.onHead(head);
        for (const next of steps) {
          // The parser gives no body and no end before a head.
          if (!hasHead && !isOver && !bench.isAborted && (next.kind === 'body' || next.kind === 'end')) {
            bench.proxied.onHead(head);
            hasHead = true;
          }
          const hasLength = hasHead && frame.kind === 'length';
          const isUnderWay = !isOver && !bench.isAborted && !bench.res.destroyed;
          const isFailure =
            isUnderWay &&
            (['error', 'throws'].includes(next.kind) ||
              (['late', 'refused'].includes(next.kind) && (!bench.proxied.isListening || hasLength)));
          isCut ||= isFailure && bench.res.headersSent && !bench.res.writableEnded;
          // Bytes of the same read may still come after the proxy has given up.
          take(bench, next, isOver || (bench.isAborted && next.kind !== 'body'));
          if (isFailure) assert.ok(bench.isAborted, 'a failure ends the exchange with the server');
          isOver ||= ['end', 'error', 'throws'].includes(next.kind);
        }
        await bench.settled();
        assert.ok(bench.refusals.length <= 1, 'refused once at most');
        assert.ok((bench.received.match(/HTTP\/1\.1 /g) ?? []).length <= 1, 'one head');
        const before = bench.received;
        const refusals = bench.refusals.length;
        if (bench.isAborted || isOver) {
          assert.ok(
            bench.res.writableEnded || bench.res.destroyed,
            'an exchange that is over leaves no open response',
          );
          for (const late of steps) take(bench, late, true);
          await bench.settled();
          assert.equal(bench.received, before, 'nothing follows the end');
          assert.equal(bench.refusals.length, refusals);
        }
        if (bench.refusals.length === 1 && before !== '') {
          const isOwn = before.endsWith('refused');
          assert.ok(isOwn || bench.res.destroyed, 'a refusal is the whole answer, or the answer is cut');
        }
        // A cut answer has no last chunk: the client must not take it for whole.
        if (isCut) assert.ok(bench.res.destroyed && !before.endsWith('0\r\n\r\n'), 'a failure is visible');
        bench.res.destroy();
      }),
      { numRuns: 2_000 },
    );
  });

  it('sends the bytes that were validated, and nothing after them', () => {
    const sent = legacy('ping');
    const bench = new Bench(sent);
    assert.ok(bench.sent.startsWith('POST /mcp HTTP/1.1\r\nHost: a\r\n'), bench.sent);
    assert.ok(bench.sent.endsWith(`Content-Length: ${sent.body.length}\r\n\r\n${sent.body}`), bench.sent);
  });

  it('has no body, and no end, before a head: one 500', () => {
    for (const premature of [
      (proxied: ProxiedRequest) => proxied.onBody(Buffer.from('x')),
      (proxied: ProxiedRequest) => proxied.onEnd(),
    ]) {
      const { proxied } = new Bench(legacy('ping'));
      assert.throws(() => premature(proxied), /before its head/);
    }
  });
});

describe('the state of a response', () => {
  const states: readonly ResponseState[] = ['waiting', 'buffering', 'opening', 'streaming', 'ending', 'over'];
  const steps = new Set([
    ...['waiting>buffering', 'waiting>opening', 'waiting>over', 'buffering>over', 'opening>streaming'],
    ...['opening>over', 'streaming>ending', 'streaming>over', 'ending>over'],
  ]);
  for (const from of states)
    for (const to of states)
      it(`${from} to ${to}`, () => {
        if (steps.has(`${from}>${to}`)) assert.equal(nextState(from, to), to);
        else assert.throws(() => nextState(from, to), new RegExp(`from ${from} to ${to}`));
      });
});
