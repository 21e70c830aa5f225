// What one decision is made on, read once and not changed. What follows from it is decide's.
import type { KubeObject } from '../kube/object.ts';
import type { Peer } from '../api/protected-mcp-server.gen.ts';
import type { AuthorityView } from './authority-keeper.ts';
import type { HostRules } from './host-ownership.ts';
import type { PodState } from './inputs.ts';
import type { ServerObject } from './kinds.ts';
import type { Permitted } from './refusal.ts';
import type { DeliveredLeaf } from './leaf-certificates.ts';
import type { Version } from './revision.ts';

export interface World {
  readonly now: number;
  /** The server; undefined when it is gone. */
  readonly server: ServerObject | undefined;
  /** Every server of the cluster, or of the watched namespaces: two may want the same host. */
  readonly servers: readonly ServerObject[];
  /** The managed objects that belong to the server or have the name of one that it wants, whichever owner they have. */
  readonly existing: readonly KubeObject[];
  /** The certificate that was last delivered to the server's namespace; undefined when none is known to be. */
  readonly leaf: DeliveredLeaf | undefined;
  /** The operator's own authority. */
  readonly authority: AuthorityView;
  /** The servers of other namespaces whose certificates have the host of the server's resource. */
  readonly holders: readonly string[];
  /** What the platform lets the authority certify. */
  readonly hostRules: HostRules;
  /** The pods that are not being deleted. */
  readonly pods: readonly PodState[];
  /** Who may connect to the admin port of the pods. */
  readonly adminIngressFrom: readonly Peer[];
  /** What a resource may ask for. */
  readonly permitted: Permitted;
  /** Another installation that watches the server's namespace, and stands by. */
  readonly contender: string | undefined;
  /** What the operator itself gives to pods: the sidecar that it was installed with. */
  readonly newest: Version;
  /** Whether the server may have that now, if it has an earlier version. */
  readonly hasTurn: boolean;
  /** Whether the API server serves cert-manager's Certificates. */
  readonly certManager: boolean;
}
