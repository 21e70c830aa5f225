// Isolated: whether the server's own port refuses connections from outside its pod. By trying, not from a policy's existence.
import type { Verdict } from '../../protocol/conditions.ts';
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
  // A refused connection counts only when the admin port answers: an unreachable pod refuses everything.
  const tried = pods.filter(
    ({ report }) => report?.serverPort === 'closed' && report.status !== undefined,
  ).length;
  if (tried === 0) {
    const unreachable = pods.some(({ report }) => report !== undefined);
    const message = unreachable
      ? 'Probe inconclusive: no pod answers on the admin port, 9001. Allow the operator to reach it.'
      : 'No pod has been probed yet.';
    return { type, status: 'Unknown', reason: unreachable ? 'ProbeFailed' : 'Pending', message };
  }
  const message = `Connections to port ${port} from outside the pod fail (${tried} pod(s) probed).`;
  return { type, status: 'True', reason: 'ProbeRefused', message };
}
