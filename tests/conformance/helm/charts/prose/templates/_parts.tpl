{{ define "one" }}one({{ . }}){{ end }}
{{ define "two" }}{{ template "one" .a }}+{{ template "one" .b }}{{ end }}
{{ define "deep" }}{{ if gt . 0 }}({{ include "deep" (sub . 1) }}){{ end }}{{ end }}
{{ define "fails" }}
{{ .nothing.here }}
{{ end }}
