#!/bin/bash
# Builds every program of the bare provider into $BIN, from the Go module proxy alone.
# A program whose sources and Go version are those of the last build is left as it is.
. "$(dirname "$0")/settings.sh"

export CGO_ENABLED=0 GOFLAGS='-buildvcs=false -trimpath' GOGC=${GOGC:-400}
command -v go >/dev/null || die "the bare provider builds Kubernetes from source: put Go 1.26 or later on PATH"
mkdir -p "$BIN"

# build NAME KEY COMMAND...: runs COMMAND unless $BIN/NAME was made from the same KEY.
build() {
  local name=$1 key since=$SECONDS
  key="$(go env GOVERSION) $2"
  shift 2
  [ -x "$BIN/$name" ] && [ "$(cat "$BIN/.$name.key" 2>/dev/null)" = "$key" ] && return
  say "building $name"
  "$@"
  echo "$key" >"$BIN/.$name.key"
  say "built $name in $((SECONDS - since)) s, $(du -h --apparent-size "$BIN/$name" | cut -f1)"
}

# build_here NAME DIRECTORY [LDFLAGS]: a program of ours; its sources and the module's dependencies are its key.
build_here() {
  local sources=(go.mod "$2"/*.go)
  [ ! -f go.sum ] || sources+=(go.sum)
  build "$1" "$(sha256sum "${sources[@]}" | sha256sum | cut -c1-16)${3:-}" \
    go build -ldflags "-s -w${3:-}" -o "$BIN/$1" "./$2"
}

# install NAME PACKAGE VERSION [LDFLAGS]: a published program, under the name we want.
install() {
  build "$1" "$3${4:-}" install_as "$@"
}
install_as() {
  local directory
  directory=$(mktemp -d)
  GOBIN=$directory go install -ldflags "-s -w${4:-}" "$2@$3"
  mv "$directory"/* "$BIN/$1"
  rmdir "$directory"
}

# Kubernetes' programs ask each other for their version, which releases stamp when they link.
version=
minor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION")
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  for value in gitVersion="$KUBERNETES_VERSION" gitMajor=1 gitMinor="$minor" gitTreeState=clean; do
    version+=" -X $package.$value"
  done
done

cd "$BARE/go/kubernetes"
build_here kubernetes . "$version"
for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl etcd; do
  ln -sf kubernetes "$BIN/$name"
done
build_here network-policy network-policy
cd "$BARE/go/pause"
build_here pause .
cd "$BARE/go/coredns"
build_here coredns .
cd "$BARE/go/cert-manager"
build_here cert-manager-controller .
# Its definitions come with the module: as old as the program.
if [ ! "$BIN/cert-manager-crds.yaml" -nt "$BIN/cert-manager-controller" ]; then
  module=$(go list -m -f '{{.Dir}}' github.com/cert-manager/cert-manager)
  cat "$module"/deploy/crds/*.yaml >"$BIN/cert-manager-crds.new"
  mv "$BIN/cert-manager-crds.new" "$BIN/cert-manager-crds.yaml"
fi

cd /
install helm helm.sh/helm/v3/cmd/helm "$HELM3_VERSION" " -X helm.sh/helm/v3/internal/version.version=$HELM3_VERSION"
install helm4 helm.sh/helm/v4/cmd/helm "$HELM4_VERSION" " -X helm.sh/helm/v4/internal/version.version=$HELM4_VERSION"
install kwok sigs.k8s.io/kwok/cmd/kwok "$KWOK_VERSION"

# What a simulated node and its pods do. kwok's program brings none of it, only its module does.
if [ ! -f "$BIN/kwok-stages.yaml" ]; then
  stages=$(go env GOMODCACHE)/sigs.k8s.io/kwok@$KWOK_VERSION/kustomize/stage
  for file in "$stages"/node/fast/node-initialize.yaml "$stages"/node/heartbeat-with-lease/node-*.yaml \
    "$stages"/pod/fast/pod-*.yaml; do
    echo ---
    cat "$file"
  done >"$BIN/kwok-stages.new"
  mv "$BIN/kwok-stages.new" "$BIN/kwok-stages.yaml"
fi
