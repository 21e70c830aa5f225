// What the suite controls around a target: authorization servers, the recording MCP server, certificates, keys.
import { generateKeyPairSync } from 'node:crypto';
import { selfSigned, type TestCertificate } from '../../kit/certificate.ts';
import { signingKeys, TestIssuer, type SigningKey } from '../../kit/issuer.ts';
import { answerJson, TestUpstream } from '../../kit/upstream.ts';
import { BASELINE, type Needs } from '../needs.ts';
import type { IssuerSetup, Setup } from '../targets/target.ts';
import { introspectionEndpoint } from '../../kit/introspection.ts';

/** As which a target asks what an opaque token is worth. */
export const INTROSPECTION_CLIENT = { clientId: 'mcp-resource', clientSecret: 'resource-secret' };

/** What lasts for a whole run of the suite. */
export interface Session {
  readonly certificate: TestCertificate;
  /** No server presents it: a target that trusts only this one trusts none of these. */
  readonly otherCertificate: TestCertificate;
  /** Of each authorization server: the same in every world. */
  readonly keys: readonly (readonly SigningKey[])[];
  /** Every token that was made: none may turn up in a log. */
  readonly tokens: Set<string>;
  /** What every target wrote, those that ended among them. */
  readonly logs: (() => string)[];
}

export async function newSession(): Promise<Session> {
  const certificate = await selfSigned('mcp.example.test', [], ['mcp.example.test']);
  const keys = await Promise.all([signingKeys(), signingKeys(), signingKeys()]);
  const otherCertificate = await selfSigned();
  return { certificate, otherCertificate, keys, tokens: new Set(), logs: [] };
}

/** The surroundings of one target. */
export class World {
  readonly issuer: TestIssuer;
  readonly second: TestIssuer;
  /** A host that no configuration names: nothing may ever ask it for anything. */
  readonly stranger: TestIssuer;
  readonly upstream: TestUpstream;
  readonly #keys: readonly SigningKey[];

  private constructor(issuer: TestIssuer, second: TestIssuer, stranger: TestIssuer, upstream: TestUpstream) {
    this.issuer = issuer;
    this.second = second;
    this.stranger = stranger;
    this.upstream = upstream;
    this.#keys = issuer.keys;
  }

  static async start({ certificate, keys }: Session): Promise<World> {
    const start = (index: number) => TestIssuer.start(certificate, 'localhost', keys[index]);
    return new World(await start(0), await start(1), await start(2), await TestUpstream.start());
  }

  setup(needs: Needs, { certificate, otherCertificate }: Session): Setup {
    const { issuers, secondIssuer = false, ...rest } = needs;
    const completed = { ...BASELINE, ...rest };
    const { resource } = completed;
    const audiences = needs.audiences ?? [resource];
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const ours = secondIssuer ? [this.issuer, this.second] : [this.issuer];
    const trusted = ours.map((issuer): IssuerSetup => ({
      issuer: issuer.issuer,
      jwksUri: completed.keysFrom === 'Uri' ? issuer.jwksUri : undefined,
      introspection: completed.introspection
        ? { endpoint: introspectionEndpoint(issuer), ...INTROSPECTION_CLIENT }
        : undefined,
      ca: needs.untrustedIssuer ? otherCertificate.cert : certificate.cert,
    }));
    return {
      ...completed,
      audiences,
      issuers:
        issuers?.map((issuer) => ({
          issuer,
          jwksUri: this.issuer.jwksUri,
          introspection: undefined,
          ca: certificate.cert,
        })) ?? trusted,
      certificate,
      upstream: needs.upstream ?? this.upstream.url,
      metadataKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  /** Back to how it was: the next case finds no trace of the last. */
  reset(): void {
    this.upstream.script = answerJson;
    this.upstream.requests.length = 0;
    for (const issuer of [this.issuer, this.second, this.stranger]) {
      issuer.up = true;
      issuer.status = 200;
      issuer.hang = false;
      issuer.release();
      issuer.extraJwks = [];
      issuer.intercept = () => false;
      issuer.record.length = 0;
      issuer.fetches = issuer.requests = 0;
    }
    this.issuer.keys = [...this.#keys];
  }

  async close(): Promise<void> {
    for (const issuer of [this.issuer, this.second, this.stranger]) issuer.release();
    await Promise.all([this.issuer, this.second, this.stranger, this.upstream].map((part) => part.close()));
  }
}
