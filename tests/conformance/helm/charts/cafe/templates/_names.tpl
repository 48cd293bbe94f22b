{{/* What things are called. */}}
{{- define "cafe.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "cafe.labels" -}}
app: {{ include "cafe.name" . }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "counter.title" -}}
the café's word on {{ .Chart.Name }}
{{- end -}}
