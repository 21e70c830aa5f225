# How each process of the cluster is started; sourced, never run.
# shellcheck shell=bash disable=SC2034
KEYS=$STATE/keys
COMPONENTS='containerd etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy network-policy'

start_containerd() {
  cat >"$STATE/containerd.toml" <<E
version = 2
root = "$STATE/containerd"
state = "$RUN/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
]
[grpc]
  address = "$RUN/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "cluster.local/pause:1"
  stream_server_address = "127.0.0.1"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE no process may go below its own score, and every pod would fail.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${CLUSTER_SNAPSHOTTER:-overlayfs}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "/usr/sbin/runc"
        Root = "$RUN/runc"
        SystemdCgroup = false
E
  # ptp and not bridge: traffic between two pods is routed, so that it crosses the hook where policies are enforced.
  cat >"$STATE/cni/net.d/10-pods.conflist" <<E
{"cniVersion": "0.4.0", "name": "$NAME", "plugins": [
  {"type": "ptp", "ipMasq": false, "mtu": 1500, "ipam": {
    "type": "host-local", "dataDir": "$STATE/cni/ipam",
    "ranges": [[{"subnet": "$POD_CIDR"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}]}
E
  start containerd containerd --config "$STATE/containerd.toml"
}

start_etcd() {
  start etcd etcd --name "$NAME" --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster "$NAME=http://127.0.0.1:2380"
}

# InternalIP: the node's name is known to no resolver, and exec and logs ask for the kubelet by it otherwise.
start_kube-apiserver() {
  local flags=()
  read -ra flags <<<"${CLUSTER_APISERVER_FLAGS:-}"
  start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range="$SERVICE_CIDR" \
    --bind-address="$NODE_IP" --advertise-address="$NODE_IP" --secure-port=6443 \
    --client-ca-file="$KEYS/ca.crt" --tls-cert-file="$KEYS/apiserver.crt" --tls-private-key-file="$KEYS/apiserver.key" \
    --kubelet-client-certificate="$KEYS/apiserver-kubelet.crt" --kubelet-client-key="$KEYS/apiserver-kubelet.key" \
    --kubelet-certificate-authority="$KEYS/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$KEYS/service-account.pub" --service-account-signing-key-file="$KEYS/service-account.key" \
    --requestheader-client-ca-file="$KEYS/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$KEYS/front-proxy.crt" --proxy-client-key-file="$KEYS/front-proxy.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true --profiling=false \
    ${flags[@]+"${flags[@]}"}
}

start_kube-controller-manager() {
  local kubeconfig=$STATE/controller-manager.kubeconfig
  start kube-controller-manager kube-controller-manager --kubeconfig="$kubeconfig" \
    --authentication-kubeconfig="$kubeconfig" --authorization-kubeconfig="$kubeconfig" --bind-address=127.0.0.1 \
    --leader-elect=false --allocate-node-cidrs=false --use-service-account-credentials \
    --root-ca-file="$KEYS/ca.crt" --client-ca-file="$KEYS/ca.crt" --requestheader-client-ca-file="$KEYS/front-proxy-ca.crt" \
    --service-account-private-key-file="$KEYS/service-account.key" \
    --cluster-signing-cert-file="$KEYS/ca.crt" --cluster-signing-key-file="$KEYS/ca.key" \
    --profiling=false --kube-api-qps=300 --kube-api-burst=600
}

start_kube-scheduler() {
  local kubeconfig=$STATE/scheduler.kubeconfig
  start kube-scheduler kube-scheduler --kubeconfig="$kubeconfig" \
    --authentication-kubeconfig="$kubeconfig" --authorization-kubeconfig="$kubeconfig" --bind-address=127.0.0.1 \
    --leader-elect=false --profiling=false --kube-api-qps=300 --kube-api-burst=600
}

# Images are never collected: none could be pulled again. resolv.conf is empty: nothing outside can be resolved.
start_kubelet() {
  : >"$STATE/resolv.conf"
  cat >"$STATE/kubelet.yaml" <<E
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
healthzBindAddress: 127.0.0.1
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $KEYS/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $KEYS/kubelet-server.crt
tlsPrivateKeyFile: $KEYS/kubelet-server.key
containerRuntimeEndpoint: unix://$RUN/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$NAME
failCgroupV1: false
failSwapOn: false
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: $STATE/resolv.conf
podLogsDir: $STATE/logs/pods
volumePluginDir: $STATE/kubelet/volume-plugins
staticPodPath: $STATE/static-pods
serializeImagePulls: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
kubeAPIQPS: 100
kubeAPIBurst: 200
maxPods: 250
E
  start kubelet kubelet --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/kubelet.kubeconfig" \
    --root-dir="$STATE/kubelet" --cert-dir="$STATE/kubelet/pki" --hostname-override="$NAME" --node-ip="$NODE_IP"
}

start_kube-proxy() {
  cat >"$STATE/kube-proxy.yaml" <<E
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
bindAddress: $NODE_IP
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
hostnameOverride: $NAME
clusterCIDR: $POD_CIDR
clientConnection: {kubeconfig: $STATE/proxy.kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nftables: {minSyncPeriod: 100ms}
E
  start kube-proxy kube-proxy --config="$STATE/kube-proxy.yaml"
}

start_network-policy() {
  start network-policy network-policy -kubeconfig "$STATE/network-policy.kubeconfig"
}

# Only nodes that carry the annotation are kwok's; the real node is left alone.
start_kwok() {
  start kwok kwok --kubeconfig="$STATE/admin.kubeconfig" --config="$BIN/kwok-stages.yaml" \
    --manage-all-nodes=false --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake \
    --node-ip="$NODE_IP" --node-lease-duration-seconds=40 --cidr="$SIMULATED_CIDR" --server-address=127.0.0.1:10247
}
