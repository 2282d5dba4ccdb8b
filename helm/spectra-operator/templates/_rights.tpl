{{/* What the operator calls in the namespaces it serves, verb by verb, and nothing else:
     tests/unit/chart has the table. */}}
{{- define "spectra.workRules" }}
- apiGroups: [spectra.dev]
  resources: [agents, schedules, workflowtemplates]
  verbs: [get, list, watch]
- apiGroups: [spectra.dev]
  resources: [actions]
  verbs: [get, list, watch, patch]
- apiGroups: [spectra.dev]
  resources: [phases, workflows]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [spectra.dev]
  resources: [actions/status]
  verbs: [patch]
- apiGroups: [spectra.dev]
  resources:
  - agents/status
  - phases/status
  - schedules/status
  - workflows/status
  - workflowtemplates/status
  # patch is how 0.1.0 writes, which runs on while an upgrade rolls.
  verbs: [patch, update]
# Where OwnerReferencesPermissionEnforcement is on, blockOwnerDeletion needs this on the owner.
- apiGroups: [spectra.dev]
  resources: [agents/finalizers, phases/finalizers, workflows/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
# The pages of warm workers, in the namespaces of their agents, and the Leases of shards and replicas;
# an admission policy keeps it to these.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, create, delete]
{{- end }}

{{/* What the operator calls that is in no namespace. */}}
{{- define "spectra.clusterRules" }}
# Workers show who they are by tokens.
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- if and .Values.webhook.enabled (not .Values.webhook.certManager.enabled) }}
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  resourceNames: [{{ include "spectra.webhookConfiguration" . }}]
  verbs: [get, update]
{{- end }}
{{- end }}

{{/* What the operator calls in its own namespace; empty if that is nothing more. */}}
{{- define "spectra.ownRules" }}
{{- if and .Values.watchNamespaces (gt (int .Values.shards) 1) }}
# Replicas that share shards have Leases of their own, with names that are not known beforehand; the
# admission policy on Leases bounds the writes.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update, patch, delete]
{{- else if .Values.watchNamespaces }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [spectra-operator-shard-0]
  verbs: [get, watch, update]
# Neither can be granted by name. The admission policy on Leases bounds what is created; the list tells
# whether replicas with a larger number of shards work yet.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create, list]
{{- end }}
{{- if and .Values.webhook.enabled (not .Values.webhook.certManager.enabled) }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "spectra.webhook" . }}]
  verbs: [get, update]
{{- end }}
{{- end }}

{{/* Gives the operator a Role of a namespace: (list root namespace role). */}}
{{- define "spectra.bindingIn" -}}
{{- $root := index . 0 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ index . 2 }}
  namespace: {{ index . 1 | quote }}
  labels:
    {{- include "spectra.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ index . 2 }}
subjects:
- kind: ServiceAccount
  name: {{ include "spectra.name" $root }}
  namespace: {{ $root.Release.Namespace | quote }}
{{- end }}
