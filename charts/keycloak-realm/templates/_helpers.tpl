{{/* The chart's name, as in labels. */}}
{{- define "keycloak-realm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of all objects. */}}
{{- define "keycloak-realm.fullname" -}}
{{- $name := include "keycloak-realm.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "keycloak-realm.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "keycloak-realm.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object. The chart's own win over commonLabels. */}}
{{- define "keycloak-realm.labels" -}}
{{- $own := dict "app.kubernetes.io/component" "realm" -}}
{{- $_ := set $own "app.kubernetes.io/instance" .Release.Name -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/name" (include "keycloak-realm.name" .) -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "protected-mcp" -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- merge $own .Values.commonLabels | toYaml -}}
{{- end -}}

{{/* Labels of the pod. */}}
{{- define "keycloak-realm.podLabels" -}}
{{- $own := include "keycloak-realm.labels" . | fromYaml -}}
{{- merge (omit $own "app.kubernetes.io/managed-by" "helm.sh/chart") .Values.podLabels | toYaml -}}
{{- end -}}

{{- define "keycloak-realm.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end -}}

{{/* The file that the program reads. Files that it names are mounted by job.yaml. */}}
{{- define "keycloak-realm.config" -}}
{{- $keycloak := .Values.keycloak -}}
{{- $admin := dict "realm" $keycloak.admin.realm -}}
{{- if eq $keycloak.admin.grant "ClientCredentials" -}}
{{- $_ := set $admin "clientIdFile" "/etc/keycloak-realm/admin/client-id" -}}
{{- $_ := set $admin "clientSecretFile" "/etc/keycloak-realm/admin/client-secret" -}}
{{- else -}}
{{- $_ := set $admin "usernameFile" "/etc/keycloak-realm/admin/username" -}}
{{- $_ := set $admin "passwordFile" "/etc/keycloak-realm/admin/password" -}}
{{- end -}}
{{- $server := dict "url" (required "keycloak.url is not set: give the URL of your Keycloak" $keycloak.url) -}}
{{- $_ := set $server "waitSeconds" $keycloak.waitSeconds -}}
{{- $_ := set $server "requestTimeoutSeconds" $keycloak.requestTimeoutSeconds -}}
{{- $_ := set $server "admin" $admin -}}
{{- if $keycloak.caBundleRef.name -}}
{{- $_ := set $server "caFile" "/etc/keycloak-realm/ca/ca.crt" -}}
{{- end -}}
{{- $users := list -}}
{{- range $index, $user := .Values.users -}}
{{- $file := dict "passwordFile" (printf "/etc/keycloak-realm/users/%d" $index) -}}
{{- $users = append $users (merge $file (omit $user "existingSecret" "passwordKey")) -}}
{{- end -}}
{{- $config := dict "keycloak" $server "realm" .Values.realm "audiences" .Values.audiences "clients" .Values.clients "users" $users -}}
{{- if .Values.clientRegistration.enabled -}}
{{- $_ := set $config "clientRegistration" (omit .Values.clientRegistration "enabled") -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
