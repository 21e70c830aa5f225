#!/bin/bash
# Debian packages that the bare provider needs; does nothing when all are there.
. "$(dirname "$0")/settings.sh"
needed=(containerd runc containernetworking-plugins buildah iproute2 nftables conntrack iptables openssl binutils
  ca-certificates tzdata)
missing=()
for package in "${needed[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
