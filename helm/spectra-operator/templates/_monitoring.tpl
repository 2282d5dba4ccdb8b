{{/* Adds to each alert of the groups the address of its runbook. Takes the groups and the pattern. */}}
{{- define "spectra.addRunbooks" -}}
{{- $pattern := last . }}
{{- range first . }}
{{- range .rules }}
{{- if .alert }}
{{- $_ := set .annotations "runbook_url" ($pattern | replace "%s" .alert) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A dashboard whose links lead to the runbooks. Takes its JSON and the pattern. */}}
{{- define "spectra.dashboard" -}}
{{- $json := first . }}
{{- with last . }}
{{- $halves := splitList "%s" . }}
{{- $json = $json | replace "\"docs/runbooks/\"" (first $halves | toJson) | replace "\".md\"" (last $halves | toJson) }}
{{- end }}
{{- $json }}
{{- end }}
