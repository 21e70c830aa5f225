#!/bin/bash
# Brings the one-node cluster up. Idempotent: what runs is left alone, what is missing is started.
. "$(dirname "$0")/settings.sh"
. "$BARE/components.sh"
. "$BARE/keys.sh"

[ "$(id -u)" = 0 ] ||
  die "the bare provider makes network namespaces and mounts: run as root, or start Docker and install kind"
is_debian_12() {
  grep -qx ID=debian /etc/os-release && [ "$(grep ^VERSION_ID= /etc/os-release | tr -dc 0-9)" -ge 12 ]
}
is_debian_12 ||
  die "the bare provider installs packages of Debian 12 or later, and this is another system: start Docker and install kind"
lock

"$BARE/packages.sh"
"$BARE/build.sh"
# A machine that was restarted has the files of its last cluster and no cluster.
is_up || "$BARE/remove.sh"
mkdir -p "$STATE"/{logs,keys,kubelet,containerd,cni/net.d,static-pods,etcd} "$RUN/pids" "$ARCHIVES"

if [ ! -e "/run/netns/$NAME" ]; then
  ip netns add "$NAME"
  ip link add "$HOST_LINK" type veth peer name "$NODE_LINK" netns "$NAME"
  ip addr add "$HOST_IP/30" dev "$HOST_LINK"
  ip link set "$HOST_LINK" up
  ip route add "$CLUSTER_CIDR" via "$NODE_IP" dev "$HOST_LINK" src "$HOST_IP"
  ip -n "$NAME" link set lo up
  ip -n "$NAME" addr add "$NODE_IP/30" dev "$NODE_LINK"
  ip -n "$NAME" link set "$NODE_LINK" up
  # A ClusterIP is routed before it is translated, so it needs a route even for programs on the node.
  ip -n "$NAME" route add "$SERVICE_CIDR" dev "$NODE_LINK" src "$NODE_IP"
  # Nothing leaves the cluster but for this machine.
  ip -n "$NAME" route add unreachable default metric 4278198272
  in_netns sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1
fi

start_containerd
start_etcd
if [ ! -f "$STATE/keys/made" ]; then
  (make_keys)
  touch "$STATE/keys/made"
fi
until_ok 30 etcd in_netns bash -c 'exec 3<>/dev/tcp/127.0.0.1/2379'
start_kube-apiserver

# The two images of the node itself, each one static program.
for program in pause coredns; do
  archive=$ARCHIVES/$program.tar
  if [ ! -f "$archive" ] || [ "$BIN/$program" -nt "$archive" ]; then
    context=$(mktemp -d)
    cp "$BIN/$program" "$context/"
    printf 'FROM scratch\nCOPY %s /\nENTRYPOINT ["/%s"]\n' "$program" "$program" >"$context/Dockerfile"
    build_image "cluster.local/$program:1" "$context"
    rm -rf "$context" "$archive"
    save_image "cluster.local/$program:1" "$archive"
  fi
done
until_ok 30 containerd ctr --address "$RUN/containerd.sock" version
for archive in "$ARCHIVES"/*.tar; do containerd_images import "$archive" >/dev/null; done

until_ok 60 'the API server' kubectl get --raw /readyz
start_kube-controller-manager
start_kube-scheduler

# The kubelet sets these for the whole machine; `down` sets them back.
if [ ! -f "$STATE/sysctl.saved" ]; then
  for key in vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops; do
    echo "$key=$(sysctl -n "$key")"
  done >"$STATE/sysctl.saved"
fi
# A root of our own, so that `down` can tell the pods' processes from any other's.
for tree in $(cgroup_trees); do mkdir -p "$tree/$NAME"; done
start_kubelet
start_kube-proxy
start_network-policy
until_ok 60 'the node to register' kubectl get node "$NAME"
kubectl wait --for=condition=Ready "node/$NAME" --timeout=60s >/dev/null

# Only now: a pod made before the node is ready waits in the scheduler's back-off.
sed "s/\$DNS_IP/$DNS_IP/" "$BARE/coredns.yaml" | kubectl apply -f - >/dev/null
until_ok 60 'the default service account' kubectl get serviceaccount default
kubectl -n kube-system rollout status deployment/coredns --timeout=60s >/dev/null
# shellcheck disable=SC2086
must_run $COMPONENTS
say "Kubernetes $KUBERNETES_VERSION is ready"
