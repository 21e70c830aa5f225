// What the builders work on. Read by others; nothing here reads anything.
import { API_VERSION, KIND, objectLabels } from '../api/names.ts';
import type { ObjectMeta, Peer, ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';

/** A certificate that the operator issued. */
export interface IssuedCertificate {
  /** PEM: the leaf. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM: what clients must trust. */
  readonly authority: string;
}

export interface DesiredInputs {
  /** The resource after defaults. */
  readonly server: ProtectedMcpServer;
  /** The sidecar that the operator was installed with; `spec.sidecar.image` replaces it. */
  readonly sidecarImage: string;
  /**
   * Who may connect to the admin port, as in a NetworkPolicy: the operator, and who reads metrics. No pod when empty or
   * absent; the kubelet's probes come from the node, which no policy keeps from its own pods.
   */
  readonly adminIngressFrom?: readonly Peer[];
  /** A digest of what the operator itself gives to pods; absent outside a cluster. */
  readonly revision?: string | undefined;
  /** The certificate that the operator issued; absent where the user or cert-manager provides it, and outside a cluster. */
  readonly issued?: IssuedCertificate | undefined;
  /** Replicas that the Deployment has now, where the resource leaves them to an autoscaler. */
  readonly scale?: number | undefined;
}

/** Local files may leave the namespace out, as `kubectl` lets them. */
export function namespaceOf(server: ProtectedMcpServer): string {
  return server.metadata.namespace ?? 'default';
}

/** Metadata of an object that belongs to the server and is deleted with it. */
export function ownedMeta(server: ProtectedMcpServer, name: string): ObjectMeta {
  const { name: owner, uid } = server.metadata;
  return {
    name,
    namespace: namespaceOf(server),
    labels: objectLabels(owner),
    // Without a cluster (local mode, --render) there is no uid to refer to.
    ...(uid !== undefined && {
      ownerReferences: [
        { apiVersion: API_VERSION, kind: KIND, name: owner, uid, controller: true, blockOwnerDeletion: true },
      ],
    }),
  };
}
