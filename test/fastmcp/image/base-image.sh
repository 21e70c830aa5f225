#!/bin/bash
# base-image.sh NAME:TAG PYTHON PACKAGES: a base image like python:3.11-slim, for machines that can pull none: the Python
# given, its standard library, and what it and the libraries in PACKAGES are linked to, from this Debian; no shell.
. "$(dirname "$0")/../../cluster/bare/settings.sh"
name=$1 python=$2 packages=$3
exec 8>"$CACHE/python-base-image.lock"
flock 8
if images inspect --type image "$name" >/dev/null 2>&1; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{etc/ssl/certs,usr/bin,home/nonroot,tmp}
chmod 1777 "$root/tmp"
chown 65532:65532 "$root/home/nonroot"

program=$(readlink -f "$python")
library=$("$program" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
install -D "$program" "$root$program"
ln -sf "$program" "$root/usr/bin/python3"
mkdir -p "$root$library"
tar -C "$library" --dereference --exclude=./test --exclude=./idlelib --exclude=./ensurepip --exclude='./config-*' \
  --exclude-from=<(cd "$library" && find . -xtype l) -cf - . | tar -C "$root$library" -xf -

# A library goes where the program looks for it, whatever link is there on this machine; packages bring some of theirs.
mapfile -t linked < <(find "$library/lib-dynload" "$packages" -name '*.so*')
libraries=$(ldd "$program" "${linked[@]}" 2>/dev/null | grep -o '\s/[^ ]* (' | tr -d '\t (' | grep -v "^$packages/" | sort -u)
libc=$(grep -m 1 '/libc\.so' <<<"$libraries")
# Name lookup opens these while it runs, so that ldd does not list them.
libraries+=$(printf "\n${libc%/*}/%s" libnss_files.so.2 libnss_dns.so.2 libresolv.so.2)
for file in $libraries; do install -D "$file" "$root$file"; done

cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$root/etc/group"

cat >"$work/Dockerfile" <<'D'
FROM scratch
COPY . /
ENV PATH=/usr/local/bin:/usr/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
D
build_image "$name" "$root" --file "$work/Dockerfile"
