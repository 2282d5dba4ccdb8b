{{/* DNS, which every pod needs. */}}
{{- define "spectra.toDns" -}}
- {{ with .Values.networkPolicy.dns.to }}to:
  {{- toYaml . | nindent 2 }}
  {{ end }}ports:
  {{- range .Values.networkPolicy.dns.ports }}
  - {port: {{ . }}, protocol: UDP}
  - {port: {{ . }}, protocol: TCP}
  {{- end }}
{{- end }}

{{/* The API server, which no selector can name: its pods, if it has any, use the host's network. */}}
{{- define "spectra.toApiServer" -}}
- {{ with .Values.networkPolicy.apiServer.cidrs }}to:
  {{- range . }}
  - ipBlock: {cidr: {{ . | quote }}}
  {{- end }}
  {{ end }}ports:
  {{- range .Values.networkPolicy.apiServer.ports }}
  - {port: {{ . }}, protocol: TCP}
  {{- end }}
{{- end }}

{{/* The ports in the addresses of Prometheus servers, as a JSON list; empty for any. */}}
{{- define "spectra.prometheusPorts" -}}
{{- $ports := list -}}
{{- range .Values.rollouts.prometheusAddresses -}}
{{- if ne . "*" -}}
{{- $url := urlParse . -}}
{{- $said := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $ports = append $ports ($said | default (ternary "443" "80" (eq $url.scheme "https")) | int) -}}
{{- end -}}
{{- end -}}
{{- toJson (ternary list ($ports | uniq | sortAlpha) (has "*" .Values.rollouts.prometheusAddresses)) -}}
{{- end }}

{{/* The Prometheus servers that analyses of rollouts ask. */}}
{{- define "spectra.toPrometheus" -}}
{{- $ports := .Values.networkPolicy.prometheus.ports | default (include "spectra.prometheusPorts" . | fromJsonArray) -}}
- {{ with .Values.networkPolicy.prometheus.to }}to:
  {{- toYaml . | nindent 2 }}
  {{ end }}ports:
  {{- range $ports }}
  - {port: {{ . }}, protocol: TCP}
  {{- else }}
  - {protocol: TCP}
  {{- end }}
{{- end }}
