// What an Inspector is pointed at: a protected MCP server and the person who may use it. Who runs it is not known here.

export interface Target {
  /** Of the MCP endpoint, as people type it. */
  readonly url: string;
  /** PEM: the authorities behind the MCP endpoint and the authorization server, as many as there are. */
  readonly ca: string;
  readonly user: { readonly name: string; readonly password: string };
  /** The public client that is registered already. */
  readonly clientId: string;
  /** Whether the authorization server asks the person about clients that registered themselves, as Keycloak does. */
  readonly asksConsent: boolean;
  /** What clients are told to ask for. */
  readonly scope: string;
}

/** The person and the client of the samples, wherever they are set up. */
export const SAMPLE = {
  user: { name: 'eitan', password: 'test' },
  clientId: 'mcp-client',
  scope: 'echo-mcp-server',
} as const;
