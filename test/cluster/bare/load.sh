#!/bin/bash
# load.sh NAME:TAG CONTEXT [buildah arguments]: builds an image and puts it where the node finds it.
. "$(dirname "$0")/settings.sh"
is_up || die "the cluster is not up"
name=$1
build_image "$@"

# Not the image's id, which buildah makes up anew each time.
content=$(images inspect --type image --format '{{.OCIv1.RootFS.DiffIDs}} {{.OCIv1.Config}}' "$name")
loaded=$STATE/loaded/${name//\//_}
if [ "$(cat "$loaded" 2>/dev/null)" = "$content" ]; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
save_image "$name" "$work/image.tar"
containerd_images import "$work/image.tar" >/dev/null
mkdir -p "$STATE/loaded"
echo "$content" >"$loaded"
# What had this name before is of no use to anyone.
images rmi --prune >/dev/null 2>&1 || true
