{{/* The chart's name, as in labels. */}}
{{- define "protected-mcp-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of most objects. 52 characters leave room for the suffixes. */}}
{{- define "protected-mcp-operator.fullname" -}}
{{- $name := include "protected-mcp-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "protected-mcp-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "protected-mcp-operator.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/*
What finds the operator's pods. The component keeps the pods of `helm test` out of the Service.
Immutable in a Deployment: never add to it.
*/}}
{{- define "protected-mcp-operator.selectorLabels" -}}
app.kubernetes.io/component: operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/name: {{ include "protected-mcp-operator.name" . }}
{{- end -}}

{{/* Labels of every object. The chart's own win over commonLabels. */}}
{{- define "protected-mcp-operator.labels" -}}
{{- $own := include "protected-mcp-operator.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "protected-mcp" -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- merge $own .Values.commonLabels | toYaml -}}
{{- end -}}

{{/* Labels of the operator's pods. None that changes with every release but the version, which restarts them anyway. */}}
{{- define "protected-mcp-operator.podLabels" -}}
{{- $own := include "protected-mcp-operator.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "protected-mcp" -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- merge $own .Values.podLabels .Values.commonLabels | toYaml -}}
{{- end -}}

{{/* Labels of the pod of `helm test`. */}}
{{- define "protected-mcp-operator.testLabels" -}}
{{- include "protected-mcp-operator.selectorLabels" . | fromYaml | mustMerge (dict "app.kubernetes.io/component" "test") | toYaml -}}
{{- end -}}

{{/* Who may connect to the sidecars' admin port, as JSON: the operator's own pods first. */}}
{{- define "protected-mcp-operator.adminPeers" -}}
{{- $namespace := dict "matchLabels" (dict "kubernetes.io/metadata.name" .Release.Namespace) -}}
{{- $pods := dict "matchLabels" (include "protected-mcp-operator.selectorLabels" . | fromYaml) -}}
{{- prepend .Values.sidecar.adminIngressFrom (dict "namespaceSelector" $namespace "podSelector" $pods) | toJson -}}
{{- end -}}

{{/* An image's reference. Takes a dict with `image` (the values) and `tag` (the default). */}}
{{- define "protected-mcp-operator.image" -}}
{{- with .image.registry }}{{ . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .tag }}{{ end -}}
{{- end -}}

{{/* Refuses what the schema cannot: values that are each valid but contradict each other. */}}
{{- define "protected-mcp-operator.validate" -}}
{{- if and (not .Values.leaderElection.enabled) (gt (int .Values.replicaCount) 1) -}}
{{- fail "replicaCount is 2 or more, but leaderElection.enabled is false: the operators would work against each other. Set replicaCount=1 or leaderElection.enabled=true." -}}
{{- end -}}
{{- $own := list "ADMIN_INGRESS_FROM" "AUTHORITY_OVERLAP" "CERTIFICATE_HOSTS" "CERTIFICATE_LOCALHOST" "LEADER_ELECTION" "LEASE_NAME" "LOG_LEVEL" "POD_NAME" "POD_NAMESPACE" "POD_SECURITY" "SERVICE_ANNOTATIONS" "SERVICE_TYPES" "SIDECAR_IMAGE" "SIDECAR_ROLLOUT_MAX_CONCURRENT" "WATCH_NAMESPACES" "WORKERS" -}}
{{- $seen := dict -}}
{{- range .Values.extraEnv -}}
{{- if has .name $own -}}
{{- fail (printf "extraEnv: %s is set by the chart; use the value of that purpose instead (README.md lists them)." .name) -}}
{{- end -}}
{{- if hasKey $seen .name -}}
{{- fail (printf "extraEnv: %s is duplicated; server-side apply refuses that." .name) -}}
{{- end -}}
{{- $_ := set $seen .name true -}}
{{- end -}}
{{- end -}}
