// The private keys that the sidecar signs with: which of them a server has, and the Secrets they come from.
import { SIGNING_USES, type SigningUse } from '../api/names.ts';
import type { ProtectedMcpServer, SigningKeyRef } from '../api/protected-mcp-server.gen.ts';

export interface WantedKey {
  readonly use: SigningUse;
  readonly secretRef: SigningKeyRef;
  /** The field that asks for it. */
  readonly path: string;
}

export function signingKeys({ spec }: Pick<ProtectedMcpServer, 'spec'>): WantedKey[] {
  const wanted = {
    metadata: { secretRef: spec.protectedResourceMetadata.signedMetadata?.secretRef, path: METADATA_PATH },
    identity: { secretRef: spec.authentication.identityAssertion?.secretRef, path: IDENTITY_PATH },
  };
  return SIGNING_USES.flatMap((use) => {
    const { secretRef, path } = wanted[use];
    return secretRef === undefined ? [] : [{ use, secretRef, path }];
  });
}

const METADATA_PATH = 'spec.protectedResourceMetadata.signedMetadata.secretRef';
const IDENTITY_PATH = 'spec.authentication.identityAssertion.secretRef';
