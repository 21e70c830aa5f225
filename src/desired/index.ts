// All objects of one server, in the order in which they are applied. Pure: the operator and local mode share it.
import type { Manifest } from '../api/object.ts';
import { authorityConfigMap, certManagerCertificate, tlsSecret } from './certificate.ts';
import { configMap } from './config-map.ts';
import { deployment } from './deployment.ts';
import type { DesiredInputs } from './inputs.ts';
import { networkPolicy } from './network-policy.ts';
import { podDisruptionBudget } from './pod-disruption-budget.ts';
import { serviceAccount } from './service-account.ts';
import { service } from './service.ts';

export { sidecarConfig, type Placement } from './sidecar-config.ts';

/** The NetworkPolicy comes before the Deployment, so that no pod runs unguarded for a moment. */
export function desired(inputs: DesiredInputs): Manifest[] {
  const objects = [
    serviceAccount(inputs),
    configMap(inputs),
    authorityConfigMap(inputs),
    tlsSecret(inputs),
    certManagerCertificate(inputs),
    service(inputs),
    networkPolicy(inputs),
    podDisruptionBudget(inputs),
    deployment(inputs),
  ];
  return objects.filter((object) => object !== undefined);
}
