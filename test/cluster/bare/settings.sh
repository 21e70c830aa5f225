# Settings and helpers of the bare provider's scripts; sourced, never run.
# CLUSTER_CACHE, CLUSTER_STATE and CLUSTER_RUN move the directories; bare.ts passes them on.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

BARE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NAME=protected-mcp # the network namespace, the node, and the root of the pods' cgroups
KUBERNETES_VERSION=v1.34.4
HELM3_VERSION=v3.22.0
HELM4_VERSION=v4.3.1
KWOK_VERSION=v0.8.0

# Survives `down`: programs and images, which take minutes to make.
CACHE=${CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/protected-mcp/cluster/$KUBERNETES_VERSION}
BIN=$CACHE/bin
ARCHIVES=$CACHE/archives
# Gone after `down`: etcd's data, keys, logs, the kubelet's and containerd's roots.
STATE=${CLUSTER_STATE:-$CACHE/state}
# Gone after `down`: process ids and sockets, whose paths must be short.
RUN=${CLUSTER_RUN:-/run/protected-mcp-cluster}

# Everything lives in one network namespace, joined to this machine by one veth pair.
HOST_LINK=pmcp-host
NODE_LINK=pmcp-node
HOST_IP=10.200.0.1
NODE_IP=10.200.0.2 # the API server on 6443, the kubelet, NodePorts
POD_CIDR=10.201.0.0/16
SERVICE_CIDR=10.202.0.0/16
SIMULATED_CIDR=10.203.0.0/16 # addresses that simulated pods claim; nothing answers there
KUBERNETES_SERVICE_IP=10.202.0.1
DNS_IP=10.202.0.10
CLUSTER_CIDR=10.200.0.0/14 # covers all of the above

export KUBECONFIG=$STATE/admin.kubeconfig
# kubectl remembers what an address serves, and the next cluster has the same address.
export KUBECACHEDIR=$STATE/kubectl-cache
PATH=$BIN:$PATH:/usr/sbin:/sbin:/usr/local/go/bin

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
die() {
  echo "cluster: $*" >&2
  exit 1
}

# Two commands at once would each see half a cluster.
lock() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  flock -w 3600 9 || die "another cluster command has held $CACHE/lock for an hour"
}

# Not `ip netns exec`: that mounts a new /sys, in which the cgroups are not to be seen.
in_netns() { nsenter --net="/run/netns/$NAME" -- "$@"; }
is_up() { [ -e "/run/netns/$NAME" ] && [ -d "$RUN/pids" ]; }
containerd_images() { ctr --address "$RUN/containerd.sock" --namespace k8s.io images "$@"; }

# --- images: built by buildah in the cache, brought to the node as archives such as `docker save` makes

images() { buildah --root "$CACHE/buildah" --runroot "$RUN-buildah" "$@"; }
# build_image NAME:TAG CONTEXT [ARGUMENTS]. chroot: there may be no right to make namespaces. The time is the same
# for all files, so that the same files give the same layers.
build_image() {
  images build --quiet --isolation chroot --network host --format docker --timestamp 0 --tag "$1" "${@:3}" "$2" >/dev/null
}
save_image() { images push --quiet "$1" "docker-archive:$2:$1"; }

# cgroup v2 has one tree; v1 has one for each controller, and maybe v2's beside them.
cgroup_trees() {
  local tree
  for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do
    if [ -f "$tree/cgroup.procs" ] && mountpoint -q "$tree"; then echo "$tree"; fi
  done
}

# until_ok SECONDS WHAT COMMAND...
until_ok() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || die "gave up waiting for $what; logs are in $STATE/logs"
    sleep 0.1
  done
}

# --- processes: known by process id and start time, so that a reused id is never signalled

# The 22nd field of stat; nothing for a zombie, which only waits for its parent.
start_time() { awk '{ sub(/.*\) /, ""); if ($1 != "Z") print $20 }' "/proc/$1/stat" 2>/dev/null || true; }

is_alive() {
  local id started
  [ -f "$RUN/pids/$1" ] || return 1
  read -r id started <"$RUN/pids/$1"
  [ -n "$started" ] && [ "$(start_time "$id")" = "$started" ]
}

# start NAME COMMAND...: in the network namespace, in the background, unless it runs already.
start() {
  local name=$1 id
  shift
  is_alive "$name" && return
  (
    ulimit -n "$(ulimit -Hn)"
    exec setsid nsenter --net="/run/netns/$NAME" -- "$@"
  ) >>"$STATE/logs/$name.log" 2>&1 </dev/null 9>&- &
  id=$!
  disown "$id"
  echo "$id $(start_time "$id")" >"$RUN/pids/$name"
}

# stop NAME [SIGNAL]: ends it for certain; SIGKILL follows after 5 s.
stop() {
  local id started
  if is_alive "$1"; then
    read -r id started <"$RUN/pids/$1"
    kill "-${2:-TERM}" "$id" 2>/dev/null || true
    for _ in $(seq 100); do
      is_alive "$1" || break
      sleep 0.05
    done
    if is_alive "$1"; then kill -KILL "$id" 2>/dev/null || true; fi
  fi
  rm -f "$RUN/pids/$1"
}

# must_run NAME...: for those whose first act may have been to fail.
must_run() {
  local name
  for name in "$@"; do
    is_alive "$name" || die "$name ended: $(tail -n 3 "$STATE/logs/$name.log")"
  done
}
