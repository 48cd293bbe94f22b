{{- define "app.name" -}}{{ .Release.Name }}-{{ .Values.name }}{{- end -}}
