#!/bin/bash
# base-image.sh NAME:TAG NODE: a base image like gcr.io/distroless/nodejs24-debian12, for machines that can pull none:
# the Node program given, the libraries it is linked to from this Debian, certificates, time zones, one user; no shell.
. "$(dirname "$0")/settings.sh"
name=$1 node=$2
exec 8>"$CACHE/base-image.lock"
flock 8
if images inspect --type image "$name" >/dev/null 2>&1; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{nodejs/bin,etc/ssl/certs,usr/share,home/nonroot,tmp}
chmod 1777 "$root/tmp"
chown 65532:65532 "$root/home/nonroot"
strip -o "$root/nodejs/bin/node" "$node"

# A library goes where the program looks for it, whatever link is there on this machine.
libraries=$(ldd "$node" | grep -o '/[^ ]*')
libc=$(grep '/libc\.so' <<<"$libraries")
# Name lookup opens these while it runs, so that ldd does not list them.
libraries+=$(printf "\n${libc%/*}/%s" libnss_files.so.2 libnss_dns.so.2 libresolv.so.2)
for library in $libraries; do install -D "$library" "$root$library"; done

cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -a /usr/share/zoneinfo "$root/usr/share/"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
cat >"$root/etc/passwd" <<E
root:x:0:0:root:/:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
E
printf 'root:x:0:\nnonroot:x:65532:\n' >"$root/etc/group"

cat >"$work/Dockerfile" <<'E'
FROM scratch
COPY . /
ENV PATH=/nodejs/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node"]
E
build_image "$name" "$root" --file "$work/Dockerfile"
