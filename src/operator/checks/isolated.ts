// Isolated: whether the server's own port refuses connections from outside its pod. By trying, not from a policy's existence.
import type { Verdict } from '../../protocol/conditions.ts';
import type { Inputs, SidecarReport } from '../inputs.ts';

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
  const tried = pods.filter(({ report }) => report?.serverPort === 'closed' && serverRuns(report)).length;
  if (tried === 0) return untried(pods);
  const message = `Connections to port ${port} from outside the pod fail (${tried} pod(s) probed).`;
  return { type, status: 'True', reason: 'ProbeRefused', message };
}

/** A refused connection says something only of a server that runs, in a pod that can be reached: others refuse everything. */
function serverRuns({ status }: SidecarReport): boolean {
  return status?.server?.reachable ?? status?.ready ?? false;
}

function untried(pods: Inputs['pods']): Verdict<'Isolated'> {
  const type = 'Isolated';
  if (pods.some(({ report }) => report?.status !== undefined)) {
    const message = 'The server does not run: there is no port to try.';
    return { type, status: 'Unknown', reason: 'Pending', message };
  }
  if (pods.some(({ report }) => report !== undefined)) {
    const message =
      'Probe inconclusive: no pod answers on the admin port, 9001. Allow the operator to reach it.';
    return { type, status: 'Unknown', reason: 'ProbeFailed', message };
  }
  return { type, status: 'Unknown', reason: 'Pending', message: 'No pod has been probed yet.' };
}
