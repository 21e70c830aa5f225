// Contested: that another installation of the operator watches the namespace too, and stands by. Only while it does.
import type { Verdict } from '../../protocol/conditions.ts';
import type { Inputs } from '../inputs.ts';

export function contested({ server, contender }: Inputs): Verdict<'Contested'>[] {
  if (contender === undefined) return [];
  const message =
    `Operator ${contender} watches namespace ${server.metadata.namespace} too, and stands by. Uninstall one of the two, ` +
    'or give each its own watchNamespaces.';
  return [{ type: 'Contested', status: 'True', reason: 'OtherInstallation', message }];
}
