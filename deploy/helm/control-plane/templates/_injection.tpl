{{- define "xebec.webhookName" -}}
{{- $name := printf "istio-sidecar-injector%s" (empty .Values.revision | ternary "" (printf "-%s" .Values.revision)) -}}
{{ include "xebec.wideName" (dict "root" . "name" $name) }}
{{- end -}}

{{- define "xebec.webhookNames" -}}
- {{ include "xebec.webhookName" . }}
{{- range .Values.sidecarInjectorWebhook.revisionTags }}
- {{ include "xebec.wideName" (dict "root" $ "name" (printf "istio-revision-tag-%s" .)) }}
{{- end }}
{{- end -}}

{{- /*
A webhook configuration: for namespaces of a revision (or of a tag that stands for it), or for labelled namespaces when there is none. The
injector itself puts the caBundle in, and keeps it right. Arguments: root, name, revision, tag, labels.
*/ -}}
{{- define "xebec.webhook" -}}
{{- $v := .root.Values.sidecarInjectorWebhook -}}
{{- $rules := include "xebec.webhookRules" (dict "values" $v "namespace" .root.Release.Namespace) -}}
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: {{ .name }}
  labels:
    {{- .labels | nindent 4 }}
    istio.io/rev: {{ .root.Values.revision | default "default" }}
    {{- if .tag }}
    istio.io/tag: {{ .revision }}
    {{- end }}
webhooks:
  {{- if and .revision (ne .revision "default") }}
  - name: rev.namespace.sidecar-injector.istio.io
    {{- $rules | nindent 4 }}
    namespaceSelector:
      matchExpressions:
        - { key: istio.io/rev, operator: In, values: [{{ .revision | quote }}] }
        - { key: istio-injection, operator: DoesNotExist }
    objectSelector:
      matchExpressions:
        - { key: sidecar.istio.io/inject, operator: NotIn, values: ["false"] }
  - name: rev.object.sidecar-injector.istio.io
    {{- $rules | nindent 4 }}
    namespaceSelector:
      matchExpressions:
        - { key: istio.io/rev, operator: DoesNotExist }
        - { key: istio-injection, operator: DoesNotExist }
    objectSelector:
      matchExpressions:
        - { key: sidecar.istio.io/inject, operator: NotIn, values: ["false"] }
        - { key: istio.io/rev, operator: In, values: [{{ .revision | quote }}] }
  {{- else }}
  - name: namespace.sidecar-injector.istio.io
    {{- $rules | nindent 4 }}
    namespaceSelector:
      matchExpressions:
        - { key: istio-injection, operator: In, values: [enabled] }
    objectSelector:
      matchExpressions:
        - { key: sidecar.istio.io/inject, operator: NotIn, values: ["false"] }
  - name: object.sidecar-injector.istio.io
    {{- $rules | nindent 4 }}
    namespaceSelector:
      matchExpressions:
        - { key: istio-injection, operator: DoesNotExist }
        - { key: istio.io/rev, operator: DoesNotExist }
    objectSelector:
      matchExpressions:
        - { key: sidecar.istio.io/inject, operator: In, values: ["true"] }
        - { key: istio.io/rev, operator: DoesNotExist }
  {{- if $v.enableNamespacesByDefault }}
  - name: auto.sidecar-injector.istio.io
    {{- $rules | nindent 4 }}
    namespaceSelector:
      matchExpressions:
        - { key: istio-injection, operator: DoesNotExist }
        - { key: istio.io/rev, operator: DoesNotExist }
        - key: kubernetes.io/metadata.name
          operator: NotIn
          values: [kube-system, kube-public, kube-node-lease, local-path-storage, {{ .root.Release.Namespace }}]
    objectSelector:
      matchExpressions:
        - { key: sidecar.istio.io/inject, operator: DoesNotExist }
        - { key: istio.io/rev, operator: DoesNotExist }
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "xebec.webhookRules" -}}
clientConfig:
  service:
    name: istio-sidecar-injector
    namespace: {{ .namespace }}
    path: /inject
    port: 443
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
failurePolicy: {{ .values.failurePolicy }}
reinvocationPolicy: {{ .values.reinvocationPolicy }}
sideEffects: None
timeoutSeconds: 10
admissionReviewVersions: [v1, v1beta1]
{{- end -}}

{{- define "xebec.injectConfig" -}}
{{- $v := .Values.sidecarInjectorWebhook -}}
{{- $config := dict "policy" .Values.global.proxy.autoInject "neverInjectSelector" $v.neverInjectSelector "alwaysInjectSelector" $v.alwaysInjectSelector -}}
{{- with $v.injectedAnnotations }}{{ $_ := set $config "injectedAnnotations" . }}{{ end -}}
{{- with $v.templates }}{{ $_ := set $config "templates" . }}{{ end -}}
{{- with $v.defaultTemplates }}{{ $_ := set $config "defaultTemplates" . }}{{ end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* The values of the templates, by Istio's names. */ -}}
{{- define "xebec.injectValues" -}}
{{- $g := .Values.global -}}
{{- dict
  "global" (merge (dict
    "tag" (include "xebec.tag" .)
    "caAddress" (include "xebec.caAddress" .)
    "pilotCertProvider" (ternary "istiod" "none" (eq (include "xebec.hasCa" .) "true"))
    "istioNamespace" .Release.Namespace
    "meshID" ($g.meshID | default $g.trustDomain)
  ) (pick $g "hub" "imagePullPolicy" "imagePullSecrets" "multiCluster" "network" "podDNSSearchNamespaces" "proxy" "proxy_init" "trustDomain"))
  "revision" .Values.revision
  "sidecarInjectorWebhook" (pick .Values.sidecarInjectorWebhook "rewriteAppHTTPProbe" "injectedAnnotations" "enableNamespacesByDefault")
  "istio_cni" (dict "enabled" .Values.istio_cni.enabled)
  | toPrettyJson -}}
{{- end -}}

{{- define "xebec.discoveryAddress" -}}
{{- if .Values.global.remotePilotAddress -}}
{{ .Values.global.remotePilotAddress }}:{{ ternary 15012 15010 (eq (include "xebec.hasCa" .) "true") }}
{{- else if include "xebec.hasCa" . -}}
istio-pilot.{{ .Release.Namespace }}.svc:15012
{{- else -}}
istio-pilot.{{ .Release.Namespace }}.svc:15010
{{- end -}}
{{- end -}}

{{- define "xebec.caAddress" -}}
{{ .Values.global.caAddress | default (printf "istio-citadel.%s.svc:8060" .Release.Namespace) }}
{{- end -}}
