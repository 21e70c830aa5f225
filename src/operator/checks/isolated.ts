// Isolated: whether the server answers to nobody but its sidecar. Tried for real, not derived from a policy's existence.
import type { Verdict } from '../../api/conditions.ts';
import type { Inputs } from '../inputs.ts';

export function isolated({ server, pods }: Inputs): Verdict<'Isolated'> {
  const type = 'Isolated';
  const { port } = server.spec.server;
  const open = pods.find(({ report }) => report?.serverPort === 'open');
  if (open !== undefined) {
    const message =
      `A connection to port ${port} of pod ${open.name} succeeded: the server can be reached without a token. Make it ` +
      'listen on 127.0.0.1, or use a network plugin that enforces NetworkPolicy.';
    return { type, status: 'False', reason: 'UpstreamReachable', message };
  }
  if (server.spec.network.isolation === 'None') {
    const message =
      'spec.network.isolation is None: no NetworkPolicy guards the server. Set it to NetworkPolicy.';
    return { type, status: 'False', reason: 'Disabled', message };
  }
  const tried = pods.filter(({ report }) => report?.serverPort === 'closed').length;
  if (tried === 0) {
    return { type, status: 'Unknown', reason: 'Pending', message: 'No pod has been tried yet.' };
  }
  const message = `Connections to port ${port} from outside the pod fail, as they should (${tried} pod(s) tried).`;
  return { type, status: 'True', reason: 'ProbeRefused', message };
}
