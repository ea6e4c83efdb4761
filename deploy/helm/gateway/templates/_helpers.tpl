{{- define "gateway.name" -}}
{{ .Values.name | default .Release.Name }}
{{- end -}}

{{- define "gateway.selector" -}}
app: {{ include "gateway.name" . }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- else }}
istio: {{ .Values.kind }}gateway
{{- end }}
{{- end -}}

{{- define "gateway.labels" -}}
{{ include "gateway.selector" . }}
app.kubernetes.io/name: {{ include "gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: xebec
app.kubernetes.io/component: gateway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Ports of the Service. Below 1024 the pod listens 8000 higher, since it is not root. */ -}}
{{- define "gateway.ports" -}}
{{- if .Values.service.ports -}}
{{ toYaml .Values.service.ports }}
{{- else -}}
- { name: status-port, port: 15021, targetPort: 15021 }
- { name: http2, port: 80, targetPort: 8080 }
- { name: https, port: 443, targetPort: 8443 }
{{ if eq .Values.kind "ingress" -}}
- { name: tcp, port: 31400, targetPort: 31400 }
{{ end -}}
- { name: tls, port: 15443, targetPort: 15443 }
{{- end -}}
{{- end -}}
