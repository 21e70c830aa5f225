// PURE: which version of what the operator itself gives to pods: the sidecar's image, and what the code of this operator puts
// around it. What a resource says is no part of it.
import { createHash } from 'node:crypto';
import type { Manifest } from '../api/object.ts';
import type { ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import { deployment } from '../desired/deployment.ts';

/** A version of the operator's own part. */
export interface Version {
  /** For servers that do not name one. */
  readonly sidecarImage: string;
  readonly revision: string;
}

/** @param sidecarImage what the operator was installed with */
export function versionOf(sidecarImage: string): Version {
  const spec = JSON.stringify(referenceDeployment(sidecarImage)['spec']);
  return { sidecarImage, revision: createHash('sha256').update(spec).digest('hex').slice(0, 16) };
}

/** What a revision is a digest of. */
export function referenceDeployment(sidecarImage: string): Manifest {
  return deployment({ server: REFERENCE, sidecarImage });
}

/** A server with every part that changes what the operator puts into a pod. */
const REFERENCE = {
  metadata: { name: 'reference', namespace: 'reference' },
  spec: {
    server: {
      image: 'reference',
      port: 8000,
      path: '/mcp',
    },
    podTemplate: {},
    protectedResourceMetadata: { signedMetadata: { secretRef: { name: 'reference', key: 'key' } } },
    authentication: {
      issuers: [
        {
          jwks: { caBundleRef: { kind: 'ConfigMap', name: 'reference', key: 'key' } },
          introspection: { clientSecretRef: { name: 'reference' } },
        },
      ],
      identityAssertion: { header: 'Reference', secretRef: { name: 'reference', key: 'key' } },
    },
    tls: {},
    sidecar: {},
  },
} as unknown as ProtectedMcpServer; // what a Deployment is made from, and no more
