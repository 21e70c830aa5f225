#!/bin/bash
# keycloak-image.sh NAME:TAG DIRECTORY: an image like Keycloak's official one, for nodes that can pull none: the
# distribution in DIRECTORY, this machine's Java runtime, the few programs that kc.sh calls, and their libraries from this
# Debian. It is made once and kept; a node that has it is left alone.
. "$(dirname "$0")/settings.sh"
is_up || die "the cluster is not up"
name=$1 keycloak=$2
java=$(readlink -f "$(command -v java)") || die "no java on the PATH: install openjdk-17-jre-headless"
home=${java%/bin/java}
exec 8>"$CACHE/keycloak-image.lock"
flock 8

# What the image is made of: this recipe, the distribution, the runtime.
content=$(cat "$0" "$keycloak/version.txt" "$home/release" | sha256sum)
made=$CACHE/keycloak-image.made
loaded=$STATE/loaded/${name//\//_}
if [ "$(cat "$loaded" 2>/dev/null)" = "$content" ]; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# put FILE...: at the same place in the image, whatever links lead there on this machine.
put() {
  local file
  for file in "$@"; do install -D "$file" "$root$file"; done
}
# put_libraries_of FILE...: what a program is linked to, but for what comes with Java.
put_libraries_of() {
  local libraries
  libraries=$(ldd "$@" 2>/dev/null | sed -n 's,^\s.* => \(/[^ ]*\) .*,\1,p; s,^\s\(/[^ ]*\) .*,\1,p' | grep -v "^$home/" | sort -u)
  # shellcheck disable=SC2086
  put $libraries
}

build() {
  root=$work/root
  mkdir -p "$root"/{usr/bin,usr/lib,usr/lib64,etc/ssl/certs,opt/java,tmp}
  ln -s usr/bin "$root/bin"
  ln -s usr/lib "$root/lib"
  ln -s usr/lib64 "$root/lib64"
  chmod 1777 "$root/tmp"

  # With what its links point to; a development kit's extras and links to nowhere stay behind.
  tar -C "$home" --dereference --exclude=./jmods --exclude=./man --exclude=./include --exclude=./lib/ct.sym \
    --exclude-from=<(cd "$home" && find . -xtype l) -cf - . | tar -C "$root/opt/java" -xf -
  local program
  for program in sh uname readlink dirname printf sed grep xargs sleep; do put "$(command -v "/usr/bin/$program")"; done
  put_libraries_of "$root"/usr/bin/* "$java" "$home"/lib/*.so "$home"/lib/server/libjvm.so

  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  printf 'root:x:0:0:root:/:/sbin/nologin\nkeycloak:x:1000:0:keycloak:/opt/keycloak:/sbin/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"

  cat >"$work/Dockerfile" <<'D'
FROM scratch
COPY --from=runtime . /
COPY --chown=1000:0 . /opt/keycloak
ENV JAVA_HOME=/opt/java PATH=/opt/java/bin:/usr/bin KC_RUN_IN_CONTAINER=true
USER 1000
EXPOSE 8080 8443 9000
ENTRYPOINT ["/opt/keycloak/bin/kc.sh"]
D
  build_image "$name" "$keycloak" --file "$work/Dockerfile" --build-context "runtime=$root"
  echo "$content" >"$made"
}

if [ "$(cat "$made" 2>/dev/null)" != "$content" ] || ! images inspect --type image "$name" >/dev/null 2>&1; then build; fi
save_image "$name" "$work/image.tar"
containerd_images import "$work/image.tar" >/dev/null
mkdir -p "$STATE/loaded"
echo "$content" >"$loaded"
