// Keycloak's admin API, for what a test does and looks at by hand. Not the library that the program uses.
import assert from 'node:assert/strict';
import { Agent, fetch } from 'undici';
import type { Keycloak } from './server.ts';

export type Json = Record<string, unknown>;

export class Admin {
  readonly #keycloak: Keycloak;
  readonly #agent: Agent;
  #current: { readonly token: string; readonly until: number } | undefined;

  constructor(keycloak: Keycloak) {
    this.#keycloak = keycloak;
    this.#agent = new Agent({ connect: { ca: keycloak.ca } });
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  /** Of one object; `path` is below `/admin/realms`. */
  async get(path: string): Promise<Json> {
    return (await this.send('GET', path)) as Json;
  }

  async list(path: string): Promise<Json[]> {
    return (await this.send('GET', path)) as Json[];
  }

  /** The one entry of a list with these fields. */
  async find(path: string, fields: Json): Promise<Json> {
    const found = (await this.list(path)).filter((entry) =>
      Object.entries(fields).every(([key, value]) => entry[key] === value),
    );
    assert.equal(found.length, 1, `${path} ${JSON.stringify(fields)}`);
    return found[0]!;
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.send('POST', path, body);
  }

  put(path: string, body: unknown = {}): Promise<unknown> {
    return this.send('PUT', path, body);
  }

  delete(path: string): Promise<unknown> {
    return this.send('DELETE', path);
  }

  /** @throws when the answer is not a good one */
  async send(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#keycloak.url}/admin/realms${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${await this.#token()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  /** Whether there is such an object. */
  async exists(path: string): Promise<boolean> {
    const response = await fetch(`${this.#keycloak.url}/admin/realms${path}`, {
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${await this.#token()}` },
    });
    await response.text();
    return response.ok;
  }

  /** What the token endpoint of a realm answers. */
  async token(realm: string, form: Record<string, string>): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${this.#keycloak.issuer(realm)}/protocol/openid-connect/token`, {
      method: 'POST',
      dispatcher: this.#agent,
      body: new URLSearchParams(form),
    });
    return { status: response.status, body: (await response.json()) as Json };
  }

  /** They last a minute. */
  async #token(): Promise<string> {
    if (this.#current && Date.now() < this.#current.until) return this.#current.token;
    const until = Date.now() + 30_000;
    const { status, body } = await this.token('master', {
      grant_type: 'password',
      client_id: 'admin-cli',
      ...this.#keycloak.admin,
    });
    assert.equal(status, 200, JSON.stringify(body));
    this.#current = { token: String(body['access_token']), until };
    return this.#current.token;
  }
}
