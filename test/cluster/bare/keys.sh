# The cluster's certificates and kubeconfigs, made anew for each cluster; sourced, never run.
# shellcheck shell=bash disable=SC2164
new_key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"; }

new_authority() {
  new_key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/CN=$NAME-$1" -days 3650 -out "$1.crt" \
    -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
}

# new_certificate NAME AUTHORITY SUBJECT USAGE [ALTERNATIVE NAMES]
new_certificate() {
  local extensions
  extensions="basicConstraints=CA:FALSE
keyUsage=digitalSignature
extendedKeyUsage=$4
${5:+subjectAltName=$5}"
  new_key "$1"
  openssl req -new -key "$1.key" -subj "$3" 2>/dev/null |
    openssl x509 -req -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 3650 -out "$1.crt" \
      -extfile <(echo "$extensions") 2>/dev/null
}

# new_kubeconfig NAME SUBJECT
new_kubeconfig() {
  new_certificate "$1" ca "$2" clientAuth
  cat >"$STATE/$1.kubeconfig" <<E
apiVersion: v1
kind: Config
clusters:
  - name: $NAME
    cluster: { server: 'https://$NODE_IP:6443', certificate-authority-data: $(base64 -w0 ca.crt) }
users:
  - name: $1
    user: { client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key") }
contexts:
  - name: $NAME
    context: { cluster: $NAME, user: $1 }
current-context: $NAME
E
}

make_keys() {
  local service=kubernetes.default.svc
  umask 077
  cd "$STATE/keys"
  new_authority ca
  new_authority front-proxy-ca
  new_certificate apiserver ca /CN=kube-apiserver serverAuth \
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:$service,DNS:$service.cluster.local,IP:127.0.0.1,IP:$NODE_IP,IP:$KUBERNETES_SERVICE_IP"
  new_certificate apiserver-kubelet ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  new_certificate front-proxy front-proxy-ca /CN=front-proxy-client clientAuth
  new_certificate kubelet-server ca "/CN=$NAME" serverAuth "DNS:$NAME,IP:$NODE_IP"
  new_key service-account
  openssl ec -in service-account.key -pubout -out service-account.pub 2>/dev/null
  new_kubeconfig admin /O=system:masters/CN=admin
  new_kubeconfig controller-manager /CN=system:kube-controller-manager
  new_kubeconfig scheduler /CN=system:kube-scheduler
  new_kubeconfig kubelet "/O=system:nodes/CN=system:node:$NAME"
  new_kubeconfig proxy /CN=system:kube-proxy
  new_kubeconfig network-policy /O=system:masters/CN=network-policy
}
