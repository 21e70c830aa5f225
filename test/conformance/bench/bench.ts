// What a case works with: one running target, its surroundings, tokens, a client, and the assertions that many cases share.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import type { SigningKey, TestIssuer, TokenChanges } from '../../kit/issuer.ts';
import { RawConnection } from '../../kit/raw.ts';
import type { RecordedRequest, TestUpstream } from '../../kit/upstream.ts';
import { NotApplicable } from '../case.ts';
import { ORIGIN, WELL_KNOWN, type Needs } from '../needs.ts';
import { Refused, type Running, type Setup, type Target } from '../targets/target.ts';
import { parametersOf, parseChallenges } from '../../kit/challenge.ts';
import { Answer, open, readAll, type CallOptions } from '../../kit/http.ts';
import { call } from '../../kit/messages.ts';
import { World, type Session } from './world.ts';

/** How a request of the endpoint can be refused. `none`: a challenge without an error, to who sent no credentials. */
export type Refusal = 'none' | 'invalid_token' | 'invalid_request' | 'insufficient_scope';

const STATUS = { none: 401, invalid_token: 401, invalid_request: 400, insufficient_scope: 403 } as const;

/** Added to, or instead of, what is good in a token. */
export type Changes = TokenChanges;

export class Bench {
  readonly session: Session;
  readonly target: Target;
  readonly world: World;
  readonly setup: Setup;
  readonly running: Running;
  readonly #untested = new Set<string>();
  #isTested = false;

  private constructor(
    session: Session,
    target: Target,
    parts: { world: World; setup: Setup; running: Running },
  ) {
    this.session = session;
    this.target = target;
    this.world = parts.world;
    this.setup = parts.setup;
    this.running = parts.running;
  }

  /** @throws Refused if the target does not take this configuration */
  static async start(
    session: Session,
    target: Target,
    needs: Needs,
    prepare: (world: World) => void | Promise<void> = () => undefined,
  ): Promise<Bench> {
    const world = await World.start(session);
    try {
      if (needs.issuerDown) world.issuer.up = false;
      await prepare(world);
      const setup = world.setup(needs, session);
      const running = await target.start(setup);
      session.logs.push(() => running.log());
      return new Bench(session, target, { world, setup, running });
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await this.world.close();
  }

  /** A case begins: what was noted of the last one is forgotten. */
  begin(): void {
    this.#untested.clear();
    this.#isTested = false;
  }

  /** Why parts of the case could not be tested. */
  get untested(): readonly string[] {
    return [...this.#untested];
  }

  /** Whether the case asked the target anything at all. */
  get isTested(): boolean {
    return this.#isTested;
  }

  get issuer(): TestIssuer {
    return this.world.issuer;
  }

  /** Trusted where `needs.secondIssuer` says so. */
  get second(): TestIssuer {
    return this.world.second;
  }

  get upstream(): TestUpstream {
    return this.world.upstream;
  }

  /** What reached the MCP server since the case began; `UP=n` of the list is its length. */
  get forwarded(): readonly RecordedRequest[] {
    return this.upstream.requests;
  }

  /** RES. */
  get resource(): string {
    return this.setup.resource;
  }

  /** The path of the endpoint. */
  get path(): string {
    return new URL(this.resource).pathname;
  }

  /** PRM: the well-known part goes between host and path (RFC 9728 section 3.1). */
  get metadataUrl(): string {
    return new URL(this.resource).origin + this.metadataPath;
  }

  get metadataPath(): string {
    return WELL_KNOWN + (this.path === '/' ? '' : this.path);
  }

  /** For `RawConnection.open`, and wherever TLS is spoken. */
  get tls(): ConnectionOptions {
    const { hostname } = new URL(this.resource);
    return { ...this.running.address, servername: hostname, ca: this.setup.certificate.cert };
  }

  get host(): string {
    return new URL(this.resource).host;
  }

  /** T_ok with the changes named: of the first issuer, unless `of` says otherwise. */
  token(changes: Changes = {}, of: TestIssuer = this.issuer): string {
    const strict = this.setup.profile === 'Strict';
    const token = of.token({
      ...changes,
      header: { typ: strict ? 'at+jwt' : 'JWT', ...changes.header },
      claims: { aud: this.setup.audiences[0], azp: undefined, client_id: 'c1', ...changes.claims },
    });
    this.session.tokens.add(token);
    return token;
  }

  /** T_x: T_ok with other claims. `undefined` removes one. */
  claims(claims: Readonly<Record<string, unknown>>): string {
    return this.token({ claims });
  }

  /** T_x: T_ok with other header members. */
  header(header: Readonly<Record<string, unknown>>): string {
    return this.token({ header });
  }

  /** T_bob. */
  get bob(): string {
    return this.claims({ sub: 'bob' });
  }

  /** A key of this issuer: `k1` is RS256, `e1` ES256. */
  key(kid: 'k1' | 'e1'): SigningKey {
    const key = this.issuer.keys.find((candidate) => candidate.kid === kid);
    return key ?? assert.fail(`the issuer has no key ${kid}`);
  }

  /** A request to the endpoint, unless told otherwise; as soon as the head of the response is there. */
  open(options: CallOptions = {}): Promise<IncomingMessage> {
    const isPost = options.method === undefined || options.method === 'POST';
    const defaults = { path: this.path, ...(isPost ? { body: call('read_file') } : {}) };
    this.#isTested = true;
    return open(this.tls, this.host, { ...defaults, ...options });
  }

  async call(options: CallOptions = {}): Promise<Answer> {
    const res = await this.open(options);
    return new Answer(res, (await readAll(res)).toString());
  }

  callWith(token: string, { headers = {}, ...options }: CallOptions = {}): Promise<Answer> {
    const pairs = Array.isArray(headers) ? (headers as string[]) : Object.entries(headers).flat();
    return this.call({ ...options, headers: ['Authorization', `Bearer ${token}`, ...pairs] });
  }

  get(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.call({ method: 'GET', path, ...options });
  }

  /** The metadata document. */
  async document(): Promise<Record<string, unknown>> {
    const answer = await this.get(this.metadataPath);
    assert.equal(answer.status, 200, 'the metadata document is not there');
    return JSON.parse(answer.body) as Record<string, unknown>;
  }

  /** A connection on which the case says every byte. */
  raw(options: ConnectionOptions = {}): Promise<RawConnection> {
    this.#isTested = true;
    return RawConnection.open(this, options);
  }

  /** Passes with this token, and reaches the MCP server exactly once. */
  async accepts(token: string, options: CallOptions = {}): Promise<Answer> {
    const before = this.forwarded.length;
    const answer = await this.callWith(token, options);
    assert.equal(answer.status, 200, `a good request is refused with ${answer.summary}`);
    assert.equal(this.forwarded.length, before + 1, 'the MCP server saw the request once');
    return answer;
  }

  /** Is refused with this token, and nothing reaches the MCP server. */
  async refuses(token: string, refusal: Refusal = 'invalid_token', scope?: string): Promise<Answer> {
    const before = this.forwarded.length;
    const answer = await this.callWith(token);
    this.isRefused(answer, refusal, scope);
    assert.equal(this.forwarded.length, before, 'requests at the MCP server, which saw a refused one');
    return answer;
  }

  /**
   * A token that names a key which the issuer may have published since it was asked last: 401, or 503 where it may not be
   * asked again yet. Nothing of it reaches the MCP server.
   */
  async refusesUnknownKey(token: string): Promise<void> {
    const before = this.forwarded.length;
    const answer = await this.callWith(token);
    if (answer.status !== 503) this.isRefused(answer, 'invalid_token');
    assert.equal(this.forwarded.length, before, 'requests at the MCP server, which saw a refused one');
  }

  /** The answer is this refusal, with the status, error code, scope and metadata URL that belong to it. */
  isRefused(answer: Answer, refusal: Refusal, scope = this.setup.requiredScopes.join(' ')): void {
    assert.equal(answer.status, STATUS[refusal], 'status');
    const parameters = this.#challenge(answer);
    const expected = {
      ...(refusal === 'none' ? {} : { error: refusal }),
      ...(scope === '' ? {} : { scope }),
      resource_metadata: this.metadataUrl,
    };
    assert.deepEqual(parameters, expected, 'challenge');
  }

  /** 401 with the way to the metadata. Whether it names an error to who sent no credentials is for B2 and B3 to check. */
  isChallenged(answer: Answer, scope = this.setup.requiredScopes.join(' ')): void {
    assert.equal(answer.status, 401, 'status');
    const { error: _, ...parameters } = this.#challenge(answer);
    const expected = { ...(scope === '' ? {} : { scope }), resource_metadata: this.metadataUrl };
    assert.deepEqual(parameters, expected, 'challenge');
  }

  /** The parameters of the Bearer challenge, but for the text for people. */
  #challenge(answer: Answer): Record<string, string> {
    const bearer = parseChallenges(answer.lines('www-authenticate')).find(
      ({ scheme }) => scheme.toLowerCase() === 'bearer',
    );
    const { error_description: _, ...parameters } = parametersOf(
      bearer ?? assert.fail('no Bearer challenge'),
    );
    return parameters;
  }

  /** Answers within so many milliseconds. */
  async answersWithin(milliseconds: number, token: string): Promise<Answer> {
    const signal = AbortSignal.timeout(milliseconds);
    try {
      return await this.callWith(token, { signal });
    } catch (error) {
      if (signal.aborted) assert.fail(`no answer within ${milliseconds / 1000} s`);
      throw error;
    }
  }

  /** A part of a case. Where the target has no such thing as it needs, it is noted, and the other parts count. */
  async part(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#isTested = true;
    } catch (error) {
      if (!(error instanceof NotApplicable)) throw error;
      this.#untested.add(error.message);
    }
  }

  /** A part with another target of the same kind beside this one, for as long as `use` runs. @throws Refused */
  beside(needs: Needs, use: (other: Bench) => Promise<void> | void): Promise<void> {
    return this.part(async () => {
      this.#applies(needs);
      const other = await Bench.start(this.session, this.target, needs);
      try {
        await use(other);
      } finally {
        await other.stop();
      }
    });
  }

  /**
   * A part: the target must not start with these needs, and must say why.
   * @param otherwise tests one that starts all the same; without it, to start is to fail
   */
  refusesToStart(needs: Needs, why = /./, otherwise = startedWith(needs)): Promise<void> {
    return this.part(async () => {
      this.#applies(needs);
      let other: Bench;
      try {
        other = await Bench.start(this.session, this.target, needs);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return assert.match(error.output, why, 'what it says as it refuses to start');
      }
      try {
        await otherwise(other);
      } finally {
        await other.stop();
      }
    });
  }

  /** A part with tokens of this algorithm: there are targets that take one, the first that is configured. */
  withAlgorithm(algorithm: string, work: () => Promise<void>): Promise<void> {
    return this.part(() => {
      const { whyOneAlgorithm } = this.target;
      if (whyOneAlgorithm === undefined || algorithm === this.setup.algorithms[0]) return work();
      throw new NotApplicable(whyOneAlgorithm);
    });
  }

  #applies(needs: Needs): void {
    const whyNot = this.target.supports(needs);
    if (whyNot !== undefined) throw new NotApplicable(whyNot);
  }

  /** What the target wrote so far. */
  get log(): string {
    return this.running.log();
  }

  /** How often the first issuer was asked for its keys since the case began. */
  get keyFetches(): number {
    const path = new URL(this.issuer.jwksUri).pathname;
    return this.issuer.record.filter(({ target }) => target.endsWith(path)).length;
  }

  ready(): Promise<boolean> {
    if (this.running.ready === undefined)
      throw new NotApplicable('the target does not say whether it is ready');
    return this.running.ready();
  }

  /** Moves the target's clock forward, its timers included. Tokens are still made by the real one. */
  advance(milliseconds: number): Promise<void> {
    if (this.running.advance === undefined)
      throw new NotApplicable('the target has no clock that can be moved');
    return this.running.advance(milliseconds);
  }
}

function startedWith(needs: Needs): (other: Bench) => Promise<void> {
  return () => assert.fail(`it starts with ${JSON.stringify(needs)}`);
}

/** Seconds since the epoch. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

export { ORIGIN };
