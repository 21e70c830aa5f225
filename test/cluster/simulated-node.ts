// A node that kwok plays: it is Ready, and pods on it "run" without a process.

export interface SimulatedNode {
  readonly metadata: { readonly name: string };
}

export function simulatedNode(index: number): SimulatedNode {
  const name = `kwok-${index}`;
  const resources = { cpu: '32', memory: '256Gi', pods: '110' };
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      // The annotation is what makes kwok play it.
      annotations: { 'kwok.x-k8s.io/node': 'fake', 'node.alpha.kubernetes.io/ttl': '0' },
      labels: {
        type: 'kwok',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch,
        'topology.kubernetes.io/zone': `zone-${index % 3}`,
      },
    },
    // Only pods that ask for it are put where nothing really runs.
    spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
    status: { allocatable: resources, capacity: resources },
  };
  return node;
}
