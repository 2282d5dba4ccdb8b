{{/* The name of everything in the release's namespace, such that Services' names, which add eight
characters, have at most 63. It is spelt for a release as it always was, also for one that is called
spectra-operator: with another name an upgrade would replace the address that workers know. */}}
{{- define "spectra.name" -}}
{{- if contains "spectra" .Release.Name }}{{ .Release.Name | trunc 46 | trimSuffix "-" }}-operator
{{- else }}{{ .Release.Name | trunc 38 | trimSuffix "-" }}-spectra-operator
{{- end }}
{{- end }}

{{/* The name of what is not in a namespace: two releases must not share it. */}}
{{- define "spectra.clusterName" -}}
{{ printf "%s:%s" .Release.Namespace (include "spectra.name" .) }}
{{- end }}

{{/* The name of the rights in a namespace of agents, which several releases may be given. */}}
{{- define "spectra.contentRole" -}}
{{ include "spectra.clusterName" . }}:content
{{- end }}

{{/* What selects the operator's pods. A Deployment's selector never changes, nor may these. */}}
{{- define "spectra.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of every object, but for the name, which tells apart what the chart makes. */}}
{{- define "spectra.commonLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: spectra
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "spectra.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
{{ include "spectra.commonLabels" . }}
{{- end }}

{{/* Labels of an object that has some of its own: (list root labels). */}}
{{- define "spectra.labelsWith" -}}
{{ toYaml (merge (include "spectra.labels" (index . 0) | fromYaml) (index . 1 | default dict)) }}
{{- end }}

{{/* What selects the pods of hooks, which no Service and no budget may count among the operator's. */}}
{{- define "spectra.hookSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-hook
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of hooks and of their pods. */}}
{{- define "spectra.hookLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-hook
{{ include "spectra.commonLabels" . }}
{{- end }}

{{/* The operator's image, by digest if one is given. */}}
{{- define "spectra.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* The name of the Service in front of the worker API. */}}
{{- define "spectra.workers" -}}
{{ include "spectra.name" . }}-workers
{{- end }}

{{/* The name of the admission webhook's Service and Secret. */}}
{{- define "spectra.webhook" -}}
{{ include "spectra.name" . }}-webhook
{{- end }}

{{/* The name of the webhook's configuration, which is not in a namespace; the operator knows it. */}}
{{- define "spectra.webhookConfiguration" -}}
{{ printf "%s.%s" .Release.Namespace (include "spectra.webhook" .) }}
{{- end }}

{{/* The beginning of the names of admission policies, which are not in a namespace. */}}
{{- define "spectra.policy" -}}
{{ printf "%s.%s" .Release.Namespace (include "spectra.name" .) }}
{{- end }}

{{/* The operator's user name. */}}
{{- define "spectra.user" -}}
{{ printf "system:serviceaccount:%s:%s" .Release.Namespace (include "spectra.name" .) }}
{{- end }}

{{/* The name of the operator's level and schemas of priority and fairness. */}}
{{- define "spectra.flow" -}}
{{ include "spectra.policy" . }}
{{- end }}

{{/* Whose requests these are about: the operator's. */}}
{{- define "spectra.flowSubjects" -}}
subjects:
- kind: ServiceAccount
  serviceAccount:
    namespace: {{ .Release.Namespace | quote }}
    name: {{ include "spectra.name" . | quote }}
{{- end }}

{{/* Confines webhooks and policies to the namespaces that the operator serves; empty for all. */}}
{{- define "spectra.servedNamespaces" -}}
{{- with .Values.watchNamespaces -}}
- {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
{{- end }}
{{- end }}

{{/* The name of the Secret of the webhook's certificate, when cert-manager makes it. */}}
{{- define "spectra.certificate" -}}
{{ include "spectra.webhook" . }}-tls
{{- end }}

{{/* The name of the Service in front of metrics and health. */}}
{{- define "spectra.metrics" -}}
{{ include "spectra.name" . }}-metrics
{{- end }}

{{/* The namespaces in which agents are confined. */}}
{{- define "spectra.agentNamespaces" -}}
{{ toJson (.Values.networkPolicy.agents.namespaces | default .Values.watchNamespaces) }}
{{- end }}

{{/* The selector of agents' pods; the operator gives them this label. */}}
{{- define "spectra.agentPods" -}}
app.kubernetes.io/managed-by: spectra-operator
{{- end }}

{{/* "true" if a kind of the Prometheus operator is to be installed: (list root install kind). */}}
{{- define "spectra.installs" -}}
{{- $root := index . 0 }}{{ $install := index . 1 }}{{ $kind := index . 2 }}
{{- if or (eq $install "always") (and (eq $install "auto") ($root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind))) }}true{{ end }}
{{- end }}

{{/* The security context of every pod of the chart: the Pod Security Standard "restricted". */}}
{{- define "spectra.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* The security context of every container of the chart. */}}
{{- define "spectra.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What the pods of the chart have in common: image credentials and where they may run. */}}
{{- define "spectra.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* How replicas are spread: where nothing is said, over nodes and zones as there is room. */}}
{{- define "spectra.spread" -}}
{{- $selector := dict "matchLabels" (include "spectra.selector" . | fromYaml) }}
{{- $soft := dict "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway" }}
{{- $default := list (merge (dict "topologyKey" "kubernetes.io/hostname") $soft) (merge (dict "topologyKey" "topology.kubernetes.io/zone") $soft) }}
{{- range .Values.topologySpreadConstraints | default $default }}
- {{ toYaml (merge (dict) . (dict "labelSelector" $selector)) | nindent 2 | trim }}
{{- end }}
{{- end }}

{{/* The spec of a hook's pod, but for its containers: the operator's account, restricted. */}}
{{- define "spectra.hookPod" -}}
serviceAccountName: {{ include "spectra.name" . }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- include "spectra.placement" . }}
securityContext:
  {{- include "spectra.podSecurity" . | nindent 2 }}
{{- end }}

{{/* A hook's container, but for its name and arguments: the operator's image and settings. */}}
{{- define "spectra.hookContainer" -}}
image: {{ include "spectra.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
- name: SPECTRA_OPERATOR_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- {name: SPECTRA_OPERATOR_SHARDS, value: {{ .Values.shards | quote }}}
- {name: SPECTRA_OPERATOR_LOG_FORMAT, value: console}
{{- with .Values.watchNamespaces }}
- {name: SPECTRA_OPERATOR_WATCH_NAMESPACES, value: {{ join "," . | quote }}}
{{- end }}
resources:
  requests: {cpu: 50m, memory: 128Mi}
  limits: {memory: 512Mi}
securityContext:
  {{- include "spectra.containerSecurity" . | nindent 2 }}
{{- end }}
