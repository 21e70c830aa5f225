// What an application gives to an official MCP client: a place for tokens, and a person with a browser. No OAuth of its own.
import { randomUUID } from 'node:crypto';
import type { OAuthDiscoveryState } from '@modelcontextprotocol/client';

/** Where the MCP Inspector listens; nothing listens there here. */
export const REDIRECT_URL = 'http://localhost:6274/oauth/callback';

interface Registration {
  client_id: string;
  client_secret?: string;
  /** Who it was registered with; the clients show it to no other. */
  issuer?: string;
}

interface Tokens {
  access_token: string;
  token_type: string;
  refresh_token?: string;
}

/** An OAuthClientProvider for the clients of both SDKs, kept in memory. Without a registration it lets them register. */
export class OAuthMemory {
  readonly redirectUrl = REDIRECT_URL;
  readonly clientMetadata = {
    client_name: 'Test client',
    redirect_uris: [REDIRECT_URL],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  /** Where the client sent the person to log in. */
  authorizationUrl: URL | undefined;
  readonly expectedState = randomUUID();
  #registration: Registration | undefined;
  #tokens: Tokens | undefined;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  constructor(registration: Registration | undefined) {
    this.#registration = registration;
  }

  state = (): string => this.expectedState;
  clientInformation = (): Registration | undefined => this.#registration;
  saveClientInformation = (registration: Registration): void => void (this.#registration = registration);
  tokens = (): Tokens | undefined => this.#tokens;
  saveTokens = (tokens: Tokens): void => void (this.#tokens = tokens);
  redirectToAuthorization = (url: URL): void => void (this.authorizationUrl = url);
  saveCodeVerifier = (verifier: string): void => void (this.#verifier = verifier);
  codeVerifier = (): string => this.#verifier;
  saveDiscoveryState = (state: OAuthDiscoveryState): void => void (this.#discovery = state);
  discoveryState = (): OAuthDiscoveryState | undefined => this.#discovery;
}
