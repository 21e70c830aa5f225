// What the pod fields of a resource can ask for, control by control of the Pod Security Standards, and which level has it.
// Shared by the tests of our own controls and by those against the API server's.

export interface PodFields {
  /** The control, and the case of it. */
  readonly name: string;
  /** Fields of the resource, by path. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The levels that take it. */
  readonly baseline: boolean;
  readonly restricted: boolean;
  /** What is said where it is refused. */
  readonly message?: RegExp;
}

const CONTEXT = 'spec.server.securityContext';

function row(
  name: string,
  fields: PodFields['fields'],
  levels: '' | 'baseline' | 'baseline restricted',
  message?: RegExp,
): PodFields {
  const baseline = levels.includes('baseline');
  const restricted = levels.includes('restricted');
  return { name, fields, baseline, restricted, ...(message && { message }) };
}

const context = (name: string, value: object, ...rest: [Parameters<typeof row>[2], RegExp?]) =>
  row(name, { [CONTEXT]: value }, ...rest);
const volume = (name: string, source: object, ...rest: [Parameters<typeof row>[2], RegExp?]) =>
  row(`volume: ${name}`, { 'spec.podTemplate.volumes': [{ name: 'v', ...source }] }, ...rest);
const probe = (name: string, value: object, ...rest: [Parameters<typeof row>[2], RegExp?]) =>
  row(`probe: ${name}`, { 'spec.server.livenessProbe': value }, ...rest);
const restrictedType = (type: string) =>
  new RegExp(
    `volumes\\[name=v\\]\\.${type}: restricted volume types \\(volume "v" uses restricted volume type "${type}"\\)`,
  );

/** Values that Kubernetes itself knows: its own admission decides the same. */
export const podFields: readonly PodFields[] = [
  row('nothing asked for', {}, 'baseline restricted'),
  context('an empty context', {}, 'baseline restricted'),

  context(
    'privileged',
    { privileged: true },
    '',
    /privileged \(container "server" must not set securityContext\.privileged=true\)/,
  ),
  context('not privileged', { privileged: false }, 'baseline restricted'),

  context(
    'allowPrivilegeEscalation',
    { allowPrivilegeEscalation: true },
    'baseline',
    /spec\.server\.securityContext\.allowPrivilegeEscalation: allowPrivilegeEscalation != false/,
  ),
  context(
    'no word on allowPrivilegeEscalation',
    { allowPrivilegeEscalation: null },
    'baseline',
    /allowPrivilegeEscalation != false/,
  ),

  context(
    'uid 0',
    { runAsUser: 0 },
    'baseline',
    /spec\.server\.securityContext\.runAsUser: runAsUser=0 \(container "server" must not set runAsUser=0\)/,
  ),
  context('uid 0 though runAsNonRoot', { runAsUser: 0, runAsNonRoot: true }, 'baseline', /runAsUser=0/),
  context('another uid', { runAsUser: 1000 }, 'baseline restricted'),
  context('gid 0', { runAsGroup: 0 }, 'baseline restricted'),
  context(
    'may be root',
    { runAsNonRoot: false },
    'baseline',
    /runAsNonRoot != true \(container "server" must set securityContext\.runAsNonRoot=true\)/,
  ),
  context('no word on root', { runAsNonRoot: null }, 'baseline', /runAsNonRoot != true/),

  context(
    'SYS_ADMIN',
    { capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } },
    '',
    /capabilities \(container "server" must not include "SYS_ADMIN" in securityContext\.capabilities\.add\)/,
  ),
  context('all capabilities', { capabilities: { add: ['ALL'] } }, '', /must not include "ALL"/),
  context('NET_RAW', { capabilities: { drop: ['ALL'], add: ['NET_RAW'] } }, '', /must not include "NET_RAW"/),
  context(
    'NET_ADMIN behind an allowed one',
    { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'NET_ADMIN'] } },
    '',
    /must not include "NET_ADMIN"/,
  ),
  context(
    'a capability by its other name',
    { capabilities: { drop: ['ALL'], add: ['CAP_CHOWN'] } },
    '',
    /must not include "CAP_CHOWN"/,
  ),
  context(
    'a capability in small letters',
    { capabilities: { drop: ['ALL'], add: ['net_bind_service'] } },
    '',
    /must not include/,
  ),
  context(
    'CHOWN',
    { capabilities: { drop: ['ALL'], add: ['CHOWN'] } },
    'baseline',
    /unrestricted capabilities/,
  ),
  context(
    'NET_BIND_SERVICE',
    { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } },
    'baseline restricted',
  ),
  context(
    'nothing dropped',
    { capabilities: {} },
    'baseline',
    /must set securityContext\.capabilities\.drop=\["ALL"\]/,
  ),
  context(
    'one dropped',
    { capabilities: { drop: ['NET_RAW'] } },
    'baseline',
    /must set securityContext\.capabilities\.drop=\["ALL"\]/,
  ),
  context(
    'dropped in small letters',
    { capabilities: { drop: ['all'] } },
    'baseline',
    /must set securityContext\.capabilities\.drop/,
  ),
  context('no word on capabilities', { capabilities: null }, 'baseline', /capabilities\.drop/),

  context(
    'no seccomp',
    { seccompProfile: { type: 'Unconfined' } },
    '',
    /seccompProfile \(container "server" must set securityContext\.seccompProfile\.type to "RuntimeDefault" or "Localhost"\)/,
  ),
  context(
    'a profile of the node',
    { seccompProfile: { type: 'Localhost', localhostProfile: 'mcp.json' } },
    'baseline restricted',
  ),
  context('no word on seccomp', { seccompProfile: null }, 'baseline', /seccompProfile/),

  context('no AppArmor', { appArmorProfile: { type: 'Unconfined' } }, '', /forbidden AppArmor profile/),
  context('AppArmor of the runtime', { appArmorProfile: { type: 'RuntimeDefault' } }, 'baseline restricted'),
  context(
    'AppArmor of the node',
    { appArmorProfile: { type: 'Localhost', localhostProfile: 'mcp' } },
    'baseline restricted',
  ),
  row(
    'no AppArmor by annotation',
    {
      'spec.podTemplate.annotations': {
        'container.apparmor.security.beta.kubernetes.io/server': 'unconfined',
      },
    },
    '',
    /spec\.podTemplate\.annotations: forbidden AppArmor profile/,
  ),

  context(
    'SELinux type',
    { seLinuxOptions: { type: 'spc_t' } },
    '',
    /seLinuxOptions \(container "server" set forbidden securityContext\.seLinuxOptions: type "spc_t"\)/,
  ),
  context('SELinux user', { seLinuxOptions: { user: 'system_u' } }, '', /seLinuxOptions: user "system_u"/),
  context('SELinux role', { seLinuxOptions: { role: 'sysadm_r' } }, '', /seLinuxOptions: role "sysadm_r"/),
  context(
    'SELinux level',
    { seLinuxOptions: { level: 's0:c1,c2', type: 'container_t' } },
    'baseline restricted',
  ),

  context(
    'unmasked /proc',
    { procMount: 'Unmasked' },
    '',
    /procMount \(container "server" must not set securityContext\.procMount to "Unmasked"\)/,
  ),
  context('/proc as usual', { procMount: 'Default' }, 'baseline restricted'),

  context(
    'windows hostProcess',
    { windowsOptions: { hostProcess: true } },
    '',
    /hostProcess \(container "server" must not set securityContext\.windowsOptions\.hostProcess=true\)/,
  ),
  context('a Windows user', { windowsOptions: { runAsUserName: 'ContainerUser' } }, 'baseline restricted'),

  probe(
    'of another machine',
    { httpGet: { host: '169.254.169.254', port: 80, path: '/' } },
    '',
    /spec\.server\.livenessProbe\.httpGet\.host: probe or lifecycle host/,
  ),
  probe(
    'of the node, by TCP',
    { tcpSocket: { host: '10.0.0.1', port: 22 } },
    '',
    /livenessProbe\.tcpSocket\.host/,
  ),
  probe('of the pod', { httpGet: { port: 8000, path: '/livez' } }, 'baseline restricted'),
  probe('by a command', { exec: { command: ['true'] } }, 'baseline restricted'),
  row(
    'probe: of another machine, at the start',
    { 'spec.server.startupProbe': { tcpSocket: { host: 'db', port: 22 } } },
    '',
    /startupProbe/,
  ),

  volume(
    'hostPath',
    { hostPath: { path: '/' } },
    '',
    /volumes\[name=v\]\.hostPath: (hostPath volumes \(volume "v"\)|restricted volume types)/,
  ),
  volume(
    'hostPath of a socket',
    { hostPath: { path: '/run/containerd/containerd.sock', type: 'Socket' } },
    '',
    /hostPath/,
  ),
  volume('nfs', { nfs: { server: 'x', path: '/' } }, 'baseline', restrictedType('nfs')),
  volume(
    'iscsi',
    { iscsi: { targetPortal: '10.0.0.1:3260', iqn: 'iqn.2001-04.com.example:x', lun: 0 } },
    'baseline',
    restrictedType('iscsi'),
  ),
  volume(
    'gitRepo',
    { gitRepo: { repository: 'https://example.com/x' } },
    'baseline',
    restrictedType('gitRepo'),
  ),
  volume('flexVolume', { flexVolume: { driver: 'example.com/x' } }, 'baseline', restrictedType('flexVolume')),
  volume('cephfs', { cephfs: { monitors: ['10.0.0.1'] } }, 'baseline', restrictedType('cephfs')),
  volume('rbd', { rbd: { monitors: ['10.0.0.1'], image: 'x' } }, 'baseline', restrictedType('rbd')),
  volume('fc', { fc: { targetWWNs: ['1'], lun: 0 } }, 'baseline', restrictedType('fc')),
  volume(
    'azureFile',
    { azureFile: { secretName: 's', shareName: 'x' } },
    'baseline',
    restrictedType('azureFile'),
  ),
  volume(
    'a disk of a cloud',
    { awsElasticBlockStore: { volumeID: 'x' } },
    'baseline',
    restrictedType('awsElasticBlockStore'),
  ),
  volume('emptyDir', { emptyDir: { medium: 'Memory' } }, 'baseline restricted'),
  volume('no source, which is emptyDir', {}, 'baseline restricted'),
  volume('hostPath: null, which is none', { hostPath: null, emptyDir: {} }, 'baseline restricted'),
  volume('configMap', { configMap: { name: 'x' } }, 'baseline restricted'),
  volume('secret', { secret: { secretName: 'x' } }, 'baseline restricted'),
  volume(
    'downwardAPI',
    { downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
    'baseline restricted',
  ),
  volume('a claim', { persistentVolumeClaim: { claimName: 'x' } }, 'baseline restricted'),
  volume('csi', { csi: { driver: 'secrets-store.csi.k8s.io' } }, 'baseline restricted'),
  volume(
    'ephemeral',
    {
      ephemeral: {
        volumeClaimTemplate: {
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      },
    },
    'baseline restricted',
  ),
  volume(
    "a token of the pod's account",
    { projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
    'baseline restricted',
  ),

  row(
    'an account that others made',
    { 'spec.podTemplate.serviceAccountName': 'builder' },
    'baseline restricted',
  ),
  row('pull secrets', { 'spec.podTemplate.imagePullSecrets': [{ name: 'registry' }] }, 'baseline restricted'),
  row(
    "the control plane's nodes",
    { 'spec.podTemplate.tolerations': [{ operator: 'Exists' }] },
    'baseline restricted',
  ),
];

/** Values that no API server takes, or none yet: refused because no control knows them. */
export const unknownPodFields: readonly PodFields[] = [
  context(
    'an unknown field of the context',
    { hostEverything: true },
    '',
    /spec\.server\.securityContext\.hostEverything: unknown field/,
  ),
  context('privileged by a word', { privileged: 'true' }, '', /privileged/),
  context(
    'allowPrivilegeEscalation by a word',
    { allowPrivilegeEscalation: 'false' },
    'baseline',
    /allowPrivilegeEscalation/,
  ),
  context('another spelling', { Privileged: true }, '', /securityContext\.Privileged: unknown field/),
  context('uid 0 by a word', { runAsUser: '0' }, 'baseline', /runAsUser=0/),
  context('uid below 0', { runAsUser: -1 }, 'baseline', /runAsUser=-1/),
  context('capabilities by a word', { capabilities: 'ALL' }, '', /capabilities/),
  context(
    'capabilities added by a word',
    { capabilities: { drop: ['ALL'], add: 'SYS_ADMIN' } },
    '',
    /capabilities/,
  ),
  context(
    'another member of capabilities',
    { capabilities: { drop: ['ALL'], ambient: ['SYS_ADMIN'] } },
    '',
    /capabilities/,
  ),
  context('seccomp by a word', { seccompProfile: 'RuntimeDefault' }, '', /seccompProfile/),
  context('an unknown seccomp type', { seccompProfile: { type: 'Custom' } }, '', /seccompProfile/),
  context('SELinux by a word', { seLinuxOptions: 'spc_t' }, '', /seLinuxOptions/),
  context('hostProcess by a word', { windowsOptions: { hostProcess: 'true' } }, '', /hostProcess/),
  volume('of an unknown type', { hostDevice: { path: '/dev/kmem' } }, '', /hostDevice/),
  volume('of two types', { emptyDir: {}, hostPath: { path: '/' } }, '', /hostPath/),
  volume(
    'projected from an unknown source',
    { projected: { sources: [{ hostFile: { path: '/etc/shadow' } }] } },
    '',
    /projected\.sources\.hostFile: unknown field/,
  ),
  probe(
    'of an unknown kind',
    { nodeExec: { command: ['sh'] } },
    '',
    /livenessProbe\.nodeExec: unknown field/,
  ),
  probe(
    'with an unknown field',
    { exec: { command: ['sh'], asRoot: true } },
    '',
    /livenessProbe\.exec\.asRoot: unknown field/,
  ),
  row(
    'no seccomp by annotation',
    { 'spec.podTemplate.annotations': { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } },
    '',
    /seccompProfile \(annotation/,
  ),
  context(
    'a seccomp profile with an unknown field',
    { seccompProfile: { type: 'RuntimeDefault', allow: ['mount'] } },
    '',
    /securityContext\.seccompProfile\.allow: unknown field/,
  ),
  volume(
    'emptyDir with an unknown field',
    { emptyDir: { onNode: '/' } },
    '',
    /volumes\[name=v\]\.emptyDir\.onNode: unknown field/,
  ),
  volume(
    'a token with an unknown field',
    { projected: { sources: [{ serviceAccountToken: { path: 't', serviceAccountName: 'admin' } }] } },
    '',
    /projected\.sources\.serviceAccountToken\.serviceAccountName: unknown field/,
  ),
  volume(
    'a Secret with an unknown field',
    { secret: { secretName: 'x', namespace: 'kube-system' } },
    '',
    /secret\.namespace: unknown field/,
  ),
  probe(
    'of a kind that every object has',
    { constructor: {} },
    '',
    /livenessProbe\.constructor: unknown field/,
  ),
  probe(
    'with an unknown field of a header',
    { httpGet: { port: 80, httpHeaders: [{ name: 'x', value: 'y', valueFrom: {} }] } },
    '',
    /httpGet\.httpHeaders\.valueFrom: unknown field/,
  ),
  row(
    'an unknown kind of affinity',
    { 'spec.podTemplate.affinity': { hostAffinity: {} } },
    '',
    /spec\.podTemplate\.affinity\.hostAffinity: unknown field/,
  ),
  row(
    'a constraint with an unknown field',
    {
      'spec.podTemplate.topologySpreadConstraints': [
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', evict: true },
      ],
    },
    '',
    /spec\.podTemplate\.topologySpreadConstraints\.evict: unknown field/,
  ),
];
