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

{{/* The ports in URLs, as a JSON list; empty for any. */}}
{{- define "spectra.portsOf" -}}
{{- $ports := list -}}
{{- range . -}}
{{- if ne . "*" -}}
{{- $url := urlParse . -}}
{{- $said := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $ports = append $ports ($said | default (ternary "443" "80" (eq $url.scheme "https"))) -}}
{{- end -}}
{{- end -}}
{{- toJson (ternary list ($ports | uniq | sortAlpha) (has "*" .)) -}}
{{- end }}

{{/* A rule for servers of which the URLs are known: (list values-of-networkPolicy urls). */}}
{{- define "spectra.toServers" -}}
{{- $said := index . 0 }}
{{- $ports := $said.ports | default (include "spectra.portsOf" (index . 1) | fromJsonArray) -}}
- {{ with $said.to }}to:
  {{- toYaml . | nindent 2 }}
  {{ end }}ports:
  {{- range $ports }}
  - {port: {{ . }}, protocol: TCP}
  {{- else }}
  - {protocol: TCP}
  {{- end }}
{{- end }}
