{{/* The name of everything in the release's namespace. */}}
{{- define "spectra.name" -}}
{{- if contains "spectra" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}-operator
{{- else }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}-spectra-operator
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
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "spectra.labels" -}}
{{ include "spectra.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: spectra
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
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
