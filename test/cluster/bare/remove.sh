#!/bin/bash
# Removes what up.sh made and nothing else: processes, mounts, cgroups, network, files. The cache stays.
# up.sh runs it too, for what a cluster left that ended with its machine. KEEP_LOGS=1 leaves $STATE/logs.
. "$(dirname "$0")/settings.sh"

shims=$RUN/containerd/io.containerd.runtime.v2.task/k8s.io
pods=$(ls "$shims" 2>/dev/null || true)
sockets=$(cat "$shims"/*/address 2>/dev/null | tr -d '\0' | sed 's,unix://,\n,g' || true)

# The kubelet first, or it would start again what is killed.
for name in kwok network-policy kube-proxy kubelet; do stop "$name" KILL; done

# kill_all COMMAND: SIGKILL to every process it lists, until it lists none.
kill_all() {
  local ids
  for _ in $(seq 50); do
    ids=$("$@")
    [ -n "$ids" ] || return 0
    # shellcheck disable=SC2086
    kill -KILL $ids 2>/dev/null || true
    sleep 0.1
  done
}
processes_of_pods() {
  for tree in $(cgroup_trees); do
    find "$tree/$NAME" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done | sort -u
}
# Our containerd's and no other's: they carry its address, which is ours alone.
processes_of_shims() { pgrep -f "^[^ ]*containerd-shim-runc-v2 .*-address $RUN/containerd.sock" || true; }
kill_all processes_of_pods
stop containerd
kill_all processes_of_shims
for socket in $sockets; do rm -f "$socket"; done
# SIGKILL: the API server would take 10 s to drain.
for name in kube-scheduler kube-controller-manager kube-apiserver etcd; do stop "$name" KILL; done

# Deepest first; a pod's volume can hold another's mount.
for _ in 1 2 3; do
  awk '{ print $5 }' /proc/self/mountinfo | sort -r | while read -r mount; do
    case $mount in "$STATE"/* | "$RUN"/*) umount -l "$mount" 2>/dev/null || true ;; esac
  done
done
# The namespace takes its links, routes and rules with it.
if [ -e "/run/netns/$NAME" ]; then ip netns del "$NAME"; fi
if [ -e "/sys/class/net/$HOST_LINK" ]; then ip link del "$HOST_LINK"; fi
for tree in $(cgroup_trees); do
  [ ! -d "$tree/$NAME" ] || find "$tree/$NAME" -depth -type d -exec rmdir {} + 2>/dev/null || true
done
if [ -f "$STATE/sysctl.saved" ]; then sysctl -q -p "$STATE/sysctl.saved"; fi

# What the CNI plugins and the kubelet write elsewhere.
rm -rf /var/lib/cni/results/"$NAME"-* /var/lib/cni/cache/results/"$NAME"-*
for pod in $pods; do rm -f "/var/lib/cni/results/cni-loopback-$pod-lo"; done
for link in /var/log/containers/*.log; do
  [ -L "$link" ] || continue
  case $(readlink "$link") in "$STATE"/*) rm -f "$link" ;; esac
done
rm -rf "$RUN" "$RUN-buildah"
if [ "${KEEP_LOGS:-0}" = 1 ] && [ -d "$STATE" ]; then
  find "$STATE" -mindepth 1 -maxdepth 1 ! -name logs -exec rm -rf {} +
else
  rm -rf "$STATE"
fi
