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

{{/* The milliseconds of a duration, as Prometheus writes it. */}}
{{- define "spectra.milliseconds" -}}
{{- $units := dict "y" 31536000000 "w" 604800000 "d" 86400000 "h" 3600000 "m" 60000 "s" 1000 "ms" 1 }}
{{- $sum := 0 }}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}
{{- $unit := regexFind "[a-z]+" . }}
{{- $sum = add $sum (mul (trimSuffix $unit . | atoi) (get $units $unit)) }}
{{- end }}
{{- $sum }}
{{- end }}

{{/* Refuses what Prometheus would not take, and no schema of values can compare. */}}
{{- define "spectra.checkScrapes" -}}
{{- with .Values.metrics.serviceMonitor }}
{{- if gt (include "spectra.milliseconds" .scrapeTimeout | int64) (include "spectra.milliseconds" .interval | int64) }}
{{- fail (printf "metrics.serviceMonitor.scrapeTimeout (%s) is longer than metrics.serviceMonitor.interval (%s): shorten the timeout, or lengthen the interval" .scrapeTimeout .interval) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A dashboard whose links lead to the runbooks; without their address it has no such links, as a
path that is no address leads nowhere. Takes its JSON and the pattern. */}}
{{- define "spectra.dashboard" -}}
{{- $json := first . }}
{{- with last . }}
{{- $halves := splitList "%s" . }}
{{- $json | replace "\"docs/runbooks/\"" (first $halves | toJson) | replace "\".md\"" (last $halves | toJson) }}
{{- else }}
{{- include "spectra.withoutRunbooks" (fromJson $json) }}
{{- end }}
{{- end }}

{{/* A dashboard without what is there for runbooks: two variables, and the links. Takes it parsed. */}}
{{- define "spectra.withoutRunbooks" -}}
{{- $variables := list }}
{{- range .templating.list }}
{{- if not (has .name (list "runbooks" "suffix")) }}{{ $variables = append $variables . }}{{ end }}
{{- end }}
{{- $links := list }}
{{- range .links }}
{{- if ne .url "${runbooks}" }}{{ $links = append $links . }}{{ end }}
{{- end }}
{{- range .panels }}
{{- if .links }}{{ $_ := set . "links" list }}{{ end }}
{{- if eq .type "table" }}{{ $_ := set .fieldConfig "overrides" list }}{{ end }}
{{- end }}
{{- $_ := set . "links" $links }}
{{- $_ := set .templating "list" $variables }}
{{- toPrettyJson . }}
{{- end }}
