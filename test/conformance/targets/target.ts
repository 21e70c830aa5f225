// What the suite asks of something it can test: start it by a setup, say where it is, stop it.
import type { TestCertificate } from '../../kit/certificate.ts';
import type { BASELINE, Needs } from '../needs.ts';

/** One authorization server that the target shall trust. */
export interface IssuerSetup {
  readonly issuer: string;
  /** Given if keys are not to be discovered. */
  readonly jwksUri: string | undefined;
  /** RFC 7662, if tokens of this issuer are opaque. */
  readonly introspection:
    { readonly endpoint: string; readonly clientId: string; readonly clientSecret: string } | undefined;
  /** PEM: what the issuer's certificate chains to. */
  readonly ca: string;
}

/** Everything a target needs to be started: the needs of the case, completed, and the world of the bench. */
export type Setup = Omit<Needs, keyof typeof BASELINE | 'issuers'> &
  Required<Pick<Needs, keyof typeof BASELINE>> & {
    readonly issuers: readonly IssuerSetup[];
    /** Of the public listener. */
    readonly certificate: TestCertificate;
    /** The recording MCP server: plain HTTP on loopback. */
    readonly upstream: string;
    /** PEM private key (P-256) for signed metadata. */
    readonly metadataKey: string;
  };

export interface Running {
  /** The TLS listener that stands for the resource's origin. */
  readonly address: { readonly host: string; readonly port: number };
  /** Everything it wrote to standard output and error so far. */
  log(): string;
  /** Whether it says it can serve; absent where it says nothing of the kind. */
  ready?(): Promise<boolean>;
  /** What it says of itself to operators: metrics, status. */
  observations?(): Promise<string>;
  /** Moves its clock forward, timers included; absent where that cannot be done. */
  advance?(milliseconds: number): Promise<void>;
  /** Puts another certificate where the public listener's lies. */
  replaceCertificate?(certificate: TestCertificate): Promise<void>;
  /** Tells it to end, as an orchestrator does, without waiting. */
  terminate?(): void;
  stop(): Promise<void>;
}

export interface Target {
  readonly name: string;
  readonly version: string;
  /** Why it takes only the first of the algorithms that are configured; absent where it takes them all. */
  readonly whyOneAlgorithm?: string;
  /** Why it cannot be set up so; undefined if it can. */
  supports(needs: Needs): string | undefined;
  /** Why this case is not about such a target, by its id; absent where all are. */
  exempts?(id: string): string | undefined;
  /** Resolves once it listens and, where the authorization server answers, has its keys. @throws Refused */
  start(setup: Setup): Promise<Running>;
}

/** The target looked at its configuration and would not start. */
export class Refused extends Error {
  readonly code = 'ERR_REFUSED';
  /** What it wrote. */
  readonly output: string;

  constructor(output: string) {
    super(`the target did not start:\n${output}`);
    this.output = output;
  }
}
