// Names and addresses of the demo: what manifests/keycloak and its sample say, for programs.
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** Keycloak, its Jobs, and the sample: an MCP server takes its authority from a ConfigMap of its own namespace. */
export const NAMESPACE = 'keycloak';
export const KEYCLOAK_MANIFESTS = 'manifests/keycloak';
export const SAMPLE = 'manifests/samples/keycloak.yaml';
/** The sample's name. */
export const SERVER = 'echo';

/** As users reach them, by port-forward; both are also in the manifests. */
export const MCP_URL = 'https://localhost:8001/mcp';
export const KEYCLOAK_URL = 'https://localhost:8443';
export const ISSUER = `${KEYCLOAK_URL}/realms/my-realm`;

export const CLIENT_ID = 'mcp-client';
export const USER = 'eitan';
export const PASSWORD = 'test';
/** The client scope that puts the audience of the same name into a token. */
export const SCOPE = 'echo-mcp-server';

/** Where the demo writes the authorities of both servers, for clients on this machine. */
export const CA_FILE = '.local/demo/ca.crt';
