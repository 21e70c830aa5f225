// Opaque tokens as the sidecar is told of them: credentials for the introspection endpoint, in files.
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';

/** Each with characters that must be encoded (RFC 6749 section 2.3.1). */
export const CLIENT_ID = 'mcp resource:server';
export const CLIENT_SECRET = 'p%+&ä secret';

/** The configuration with credentials for the first issuer, in files beside its certificate. */
export function withIntrospection(defaults: SidecarConfig, endpoint?: string): Partial<SidecarConfig> {
  const directory = dirname(defaults.tls.certificateFile);
  const [clientIdFile, clientSecretFile] = [`${directory}/client_id`, `${directory}/client_secret`];
  writeFileSync(clientIdFile, CLIENT_ID);
  writeFileSync(clientSecretFile, `${CLIENT_SECRET}\n`); // as editors and `kubectl create secret --from-file` leave it
  const introspection = { ...(endpoint !== undefined && { endpoint }), clientIdFile, clientSecretFile };
  return {
    issuers: defaults.issuers.map((issuer, index) => (index === 0 ? { ...issuer, introspection } : issuer)),
  };
}
