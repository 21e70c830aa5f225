{{/*
What the operator may do where ProtectedMcpServers live: rules of the ClusterRole, or of one Role for each watched
namespace. One line a need, alphabetical.

Secrets are created and replaced, not read, and not patched: a patch can read what it is applied to, by its answer or by
the message that refuses it (docs/adr/0035). `update` on finalizers is what the API server requires for
`blockOwnerDeletion`. A test compares each verb with the requests of an operator (test/unit/operator/rights.test.ts).
*/}}
{{- define "protected-mcp-operator.serverRules" -}}
- { apiGroups: [''], resources: [configmaps], verbs: [get, list, watch, create, patch, delete] }
- { apiGroups: [''], resources: [events], verbs: [list] }
- { apiGroups: [''], resources: [pods], verbs: [list, watch, patch] }
- { apiGroups: [''], resources: [secrets], verbs: [create, update] }
- { apiGroups: [''], resources: [serviceaccounts], verbs: [get, list, watch, create, patch, delete] }
- { apiGroups: [''], resources: [services], verbs: [get, list, watch, create, patch, delete] }
- { apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, create, patch, delete] }
{{- if .Values.certManager.enabled }}
- { apiGroups: [cert-manager.io], resources: [certificates], verbs: [get, list, watch, create, patch, delete] }
{{- end }}
- { apiGroups: [events.k8s.io], resources: [events], verbs: [create, update] }
- { apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [get, list, watch, create, patch, delete] }
- { apiGroups: [policy], resources: [poddisruptionbudgets], verbs: [get, list, watch, create, patch, delete] }
- { apiGroups: [protectedmcp.dev], resources: [protectedmcpservers], verbs: [get, list, watch] }
- { apiGroups: [protectedmcp.dev], resources: [protectedmcpservers/finalizers], verbs: [update] }
- { apiGroups: [protectedmcp.dev], resources: [protectedmcpservers/status], verbs: [patch] }
{{- end -}}

{{/* The binding's subject. */}}
{{- define "protected-mcp-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "protected-mcp-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
