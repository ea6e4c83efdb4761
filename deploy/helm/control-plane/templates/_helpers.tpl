{{- define "xebec.chart" -}}
{{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "xebec.tag" -}}
{{ .Values.global.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* An image: a name below the hub, or a whole reference, which has a slash. Arguments: root, image. */ -}}
{{- define "xebec.image" -}}
{{- if contains "/" .image -}}
{{ .image }}
{{- else -}}
{{ .root.Values.global.hub }}/{{ .image }}:{{ include "xebec.tag" .root }}
{{- end -}}
{{- end -}}

{{- /* Labels of an object. Arguments: root, app. */ -}}
{{- define "xebec.labels" -}}
app: {{ .app }}
istio: {{ .app }}
app.kubernetes.io/name: {{ .app }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: xebec
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ include "xebec.chart" .root }}
{{- end -}}

{{- /* Labels that stay the same as long as the Deployment lives. */ -}}
{{- define "xebec.selector" -}}
{{- $app := ternary "istiod" .app (and .root.Values.istiod.enabled (ne .app "nats")) -}}
app: {{ $app }}
istio: {{ $app }}
{{- end -}}

{{- /* The name of an object that no namespace keeps apart, as Istio names it. Arguments: root, name. */ -}}
{{- define "xebec.wideName" -}}
{{ .name }}{{ if ne .root.Release.Namespace "istio-system" }}-{{ .root.Release.Namespace }}{{ end }}
{{- end -}}

{{- /* The name of an object in the root namespace, where another control plane may have its own. Arguments: root, name. */ -}}
{{- define "xebec.rootName" -}}
{{ .name }}{{ if ne .root.Release.Namespace (include "xebec.rootNamespace" .root) }}-{{ .root.Release.Namespace }}{{ end }}
{{- end -}}

{{- /* The namespace whose objects hold for the whole mesh. */ -}}
{{- define "xebec.rootNamespace" -}}
{{ .Values.global.configRootNamespace | default .Release.Namespace }}
{{- end -}}

{{- /* The service account of a component. Arguments as of xebec.component. */ -}}
{{- define "xebec.serviceAccountName" -}}
{{- if .root.Values.istiod.enabled -}}
istiod
{{- else -}}
{{ .serviceAccount | default (printf "%s-service-account" .name) }}
{{- end -}}
{{- end -}}

{{- /* The port of a service in its own pod, or in istiod's. Arguments: root, own, istiod. */ -}}
{{- define "xebec.port" -}}
{{ ternary .istiod .own .root.Values.istiod.enabled }}
{{- end -}}

{{- /* The bus servers, as a flag takes them. */ -}}
{{- define "xebec.busURLs" -}}
{{- if .Values.nats.externalURLs -}}
{{ join "," .Values.nats.externalURLs }}
{{- else -}}
nats://xebec-nats.{{ .Release.Namespace }}.svc:4222
{{- end -}}
{{- end -}}

{{- /* Whether citadel makes the keys of the bus. */ -}}
{{- define "xebec.ownBusKeys" -}}
{{- if and (include "xebec.hasBus" .) .Values.security.enabled (not .Values.nats.auth.existingSecret) -}}true{{- end -}}
{{- end -}}

{{- /* Whose certificate the servers of the bus have: own (citadel makes it), given (a Secret), or empty (plaintext, or as the URLs say). */ -}}
{{- define "xebec.busTLS" -}}
{{- $n := .Values.nats -}}
{{- if and (include "xebec.hasBus" .) $n.tls.enabled -}}
{{- if $n.tls.existingSecret -}}given
{{- else if $n.own -}}own
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "xebec.hasBus" -}}
{{- if or .Values.nats.enabled .Values.nats.externalURLs -}}true{{- end -}}
{{- end -}}

{{- /* Whether there is a citadel, here or elsewhere. */ -}}
{{- define "xebec.hasCa" -}}
{{- if or .Values.security.enabled .Values.global.caAddress -}}true{{- end -}}
{{- end -}}

{{- /* Options that say who a service is, and how it reaches the bus. Arguments: root, user (of the bus, or empty), identity. */ -}}
{{- define "xebec.commonOptions" -}}
log_output_level: {{ .root.Values.global.logging.level | quote }}
{{- if .identity }}
stateDir: /var/lib/xebec
{{- if include "xebec.hasCa" .root }}
caAddr: {{ include "xebec.caAddress" .root }}
caRootFile: /var/run/secrets/istio/root-cert.pem
caTokenFile: /var/run/secrets/tokens/istio-token
{{- end }}
{{- end }}
{{- if and .user (include "xebec.hasBus" .root) }}
busURL: {{ include "xebec.busURLs" .root | quote }}
{{- if not (and (eq .user "citadel") (include "xebec.ownBusKeys" .root)) }}
busSeedFile: /etc/xebec/bus/seed
busKeysFile: /etc/xebec/bus-keys/public-keys.json
{{- end }}
{{- if eq (include "xebec.busTLS" .root) "given" }}
busCAFile: /etc/xebec/bus-ca/ca.crt
{{- else if and (eq (include "xebec.busTLS" .root) "own") .identity }}
busCAFile: /var/run/secrets/istio/root-cert.pem
{{- end }}
{{- end }}
{{- end -}}

{{- /* Arguments of a service: its options as flags. Argument: a map. */ -}}
{{- define "xebec.args" -}}
{{- range $name, $value := . }}
{{- if kindIs "slice" $value }}
- {{ printf "--%s=%s" $name (join "," $value) | quote }}
{{- else if kindIs "float64" $value }}
- {{ printf "--%s=%v" $name ($value | toString) | quote }}
{{- else }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /*
A component: its Deployment and everything beside it. Arguments:
  root, app (label), name (of the objects), values; serviceAccount, when it is not <name>-service-account
  options: map of the service's flags; user: of the bus; identity: true for a certificate of citadel
  ports: [{name, containerPort, port, protocol}], of which those with a port are on the Service
  monitoringPort; kubernetes: true when it calls the API server; volumes, volumeMounts: further ones
Where istiod has all services only the Service is left of theirs.
*/ -}}
{{- define "xebec.component" -}}
{{- if or (not .root.Values.istiod.enabled) (eq .name "istiod") -}}
{{ include "xebec.deployment" . }}
---
{{ end -}}
{{ include "xebec.service" . }}
{{- end -}}

{{- define "xebec.deployment" -}}
{{- $root := .root -}}
{{- $v := .values -}}
{{- $serviceAccount := include "xebec.serviceAccountName" . -}}
{{- $hasBus := and .user (include "xebec.hasBus" $root) (not (and (eq .user "citadel") (include "xebec.ownBusKeys" $root))) -}}
{{- $identity := and .identity (include "xebec.hasCa" $root) -}}
{{- $autoscaled := dig "autoscaleEnabled" false $v -}}
{{- $common := include "xebec.commonOptions" . | fromYaml -}}
{{- $options := mustMergeOverwrite $common (.options | default dict) ($v.options | default dict) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
spec:
  {{- if not $autoscaled }}
  replicas: {{ $v.replicaCount }}
  {{- end }}
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "xebec.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "xebec.labels" . | nindent 8 }}
        sidecar.istio.io/inject: "false"
        {{- with $v.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        sidecar.istio.io/inject: "false"
        prometheus.io/scrape: "true"
        prometheus.io/port: {{ .monitoringPort | quote }}
        {{- with .checksum }}
        checksum/config: {{ . }}
        {{- end }}
        {{- with $v.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $serviceAccount }}
      automountServiceAccountToken: {{ .kubernetes | default false }}
      {{- with $root.Values.global.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $root.Values.global.imagePullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      securityContext:
        {{- include "xebec.podSecurity" . | nindent 8 }}
      terminationGracePeriodSeconds: 30
      {{- with $v.nodeSelector | default $root.Values.global.defaultNodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations | default $root.Values.global.defaultTolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .container | default .app }}
          image: {{ include "xebec.image" (dict "root" $root "image" $v.image) | quote }}
          imagePullPolicy: {{ $root.Values.global.imagePullPolicy }}
          args:
            {{- include "xebec.args" $options | nindent 12 }}
          ports:
            {{- range .ports }}
            - name: {{ .name }}
              containerPort: {{ .containerPort }}
              protocol: {{ .protocol | default "TCP" }}
            {{- end }}
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            {{- range $name, $value := $v.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
          startupProbe:
            httpGet:
              path: /healthz
              port: {{ .monitoringPort }}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet:
              path: /healthz
              port: {{ .monitoringPort }}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet:
              path: /readyz
              port: {{ .monitoringPort }}
            periodSeconds: 2
            timeoutSeconds: 5
          resources:
            {{- toYaml ($v.resources | default $root.Values.global.defaultResources) | nindent 12 }}
          securityContext:
            {{- include "xebec.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- if .identity }}
            - name: state
              mountPath: /var/lib/xebec
            {{- end }}
            {{- if $identity }}
            - name: istio-token
              mountPath: /var/run/secrets/tokens
              readOnly: true
            - name: istiod-ca-cert
              mountPath: /var/run/secrets/istio
              readOnly: true
            {{- end }}
            {{- if $hasBus }}
            - name: bus
              mountPath: /etc/xebec/bus
              readOnly: true
            - name: bus-keys
              mountPath: /etc/xebec/bus-keys
              readOnly: true
            {{- end }}
            {{- if and .user (eq (include "xebec.busTLS" $root) "given") }}
            - name: bus-ca
              mountPath: /etc/xebec/bus-ca
              readOnly: true
            {{- end }}
            {{- with .volumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- if .identity }}
        - name: state
          emptyDir: {}
        {{- end }}
        {{- if $identity }}
        - name: istio-token
          projected:
            sources:
              - serviceAccountToken:
                  path: istio-token
                  audience: istio-ca
                  expirationSeconds: 43200
        - name: istiod-ca-cert
          configMap:
            name: istio-ca-root-cert
        {{- end }}
        {{- if $hasBus }}
        {{- include "xebec.busVolumes" . | nindent 8 }}
        {{- end }}
        {{- if and .user (eq (include "xebec.busTLS" $root) "given") }}
        - name: bus-ca
          secret:
            secretName: {{ $root.Values.nats.tls.existingSecret }}
            items:
              - key: ca.crt
                path: ca.crt
        {{- end }}
        {{- with .volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- if $autoscaled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name }}
  minReplicas: {{ $v.autoscaleMin }}
  maxReplicas: {{ $v.autoscaleMax }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $v.cpu.targetAverageUtilization }}
{{- end }}
{{- $least := ternary (dig "autoscaleMin" 1 $v) $v.replicaCount (eq $autoscaled true) | int }}
{{- /* A budget for a single replica would keep its node from being drained for ever. */}}
{{- if and $root.Values.global.defaultPodDisruptionBudget.enabled (gt $least 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
spec:
  minAvailable: 1
  selector:
    matchLabels:
      {{- include "xebec.selector" . | nindent 6 }}
{{- end }}
{{- if $root.Values.global.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "xebec.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        {{- range .ports }}
        - port: {{ .containerPort }}
          protocol: {{ .protocol | default "TCP" }}
        {{- end }}
{{- end }}
{{- end -}}

{{- define "xebec.service" -}}
{{- $root := .root -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "xebec.selector" . | nindent 4 }}
  {{- if .sessionAffinity }}
  sessionAffinity: ClientIP
  {{- end }}
  ports:
    {{- range $each := .ports }}
    {{- range $port := $each.port | default list }}
    - name: {{ $port.name | default $each.name }}
      port: {{ $port.number }}
      targetPort: {{ $each.containerPort }}
      protocol: {{ $each.protocol | default "TCP" }}
    {{- end }}
    {{- end }}
{{- if and $root.Values.global.serviceMonitor.enabled (ne .name "istiod") }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
    {{- with $root.Values.global.serviceMonitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      app: {{ .app }}
      app.kubernetes.io/part-of: xebec
  endpoints:
    - port: http-monitoring
      interval: {{ $root.Values.global.serviceMonitor.interval }}
    {{- if eq .app "telemetry" }}
    - port: prometheus
      interval: {{ $root.Values.global.serviceMonitor.interval }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "xebec.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1337
runAsGroup: 1337
fsGroup: 1337
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "xebec.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* The keys of one user of the bus: its own seed, and everybody's public key. */ -}}
{{- define "xebec.busVolumes" -}}
{{- $own := .root.Values.nats.auth.existingSecret -}}
- name: bus
  secret:
    secretName: {{ $own | default (printf "xebec-bus-%s" .user) }}
    {{- if $own }}
    items:
      - key: {{ .user }}.seed
        path: seed
    {{- end }}
- name: bus-keys
  {{- if $own }}
  secret:
    secretName: {{ $own }}
    items:
      - key: public-keys.json
        path: public-keys.json
  {{- else }}
  configMap:
    name: xebec-bus-keys
  {{- end }}
{{- end -}}

{{- define "xebec.serviceAccount" -}}
{{- if or (not .root.Values.istiod.enabled) (eq .name "istiod" "istio-reader") -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ eq .name "istio-reader" | ternary .serviceAccount (include "xebec.serviceAccountName" .) }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
  {{- with .values.serviceAccountAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}

{{- /* What a component may do in the whole cluster, and in its namespace. Arguments: root, name, app; clusterRules, rules. */ -}}
{{- define "xebec.rbac" -}}
{{- $serviceAccount := eq .name "istio-reader" | ternary .serviceAccount (include "xebec.serviceAccountName" .) -}}
{{- with .clusterRules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $.name }}-{{ $.root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" $ | nindent 4 }}
rules:
  {{- toYaml . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $.name }}-{{ $.root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" $ | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $.name }}-{{ $.root.Release.Namespace }}
subjects:
  - kind: ServiceAccount
    name: {{ $serviceAccount }}
    namespace: {{ $.root.Release.Namespace }}
{{- end }}
{{- with .rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $.name }}
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" $ | nindent 4 }}
rules:
  {{- toYaml . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $.name }}
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" $ | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $.name }}
subjects:
  - kind: ServiceAccount
    name: {{ $serviceAccount }}
    namespace: {{ $.root.Release.Namespace }}
{{- end }}
{{- end -}}

{{- /* Reading everything that the mesh is made of. */ -}}
{{- define "xebec.readRules" -}}
- apiGroups: [networking.istio.io, security.istio.io, telemetry.istio.io, extensions.istio.io, config.istio.io, rbac.istio.io, authentication.istio.io, mesh.xebec.io]
  resources: ["*"]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [services, endpoints, pods, nodes, namespaces, serviceaccounts, configmaps, secrets]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [get, list, watch]
{{- end -}}

{{- /*
The certificate of a webhook where no citadel signs one: made by Helm, kept over upgrades, valid for ten years. The service puts its root into
the caBundle. Arguments: root, name, app.
*/ -}}
{{- define "xebec.webhookCertificate" -}}
{{- $secret := printf "%s-certificate" .name -}}
{{- $host := printf "%s.%s.svc" .name .root.Release.Namespace -}}
{{- $data := dict -}}
{{- with lookup "v1" "Secret" .root.Release.Namespace $secret -}}
{{- $data = .data -}}
{{- else -}}
{{- $ca := genCA (printf "%s-ca" .name) 3650 -}}
{{- $cert := genSignedCert $host nil (list $host) 3650 $ca -}}
{{- $data = dict "tls.crt" ($cert.Cert | b64enc) "tls.key" ($cert.Key | b64enc) "ca.crt" ($ca.Cert | b64enc) -}}
{{- end -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ $secret }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "xebec.labels" . | nindent 4 }}
type: kubernetes.io/tls
data:
  {{- toYaml $data | nindent 2 }}
{{- end -}}

{{- /* Gives a component its webhook's certificate. Argument: the component. */ -}}
{{- define "xebec.useWebhookCertificate" -}}
{{- $files := "/etc/xebec/webhook" -}}
{{- $_ := set .options "tlsCertFile" (printf "%s/tls.crt" $files) -}}
{{- $_ := set .options "tlsKeyFile" (printf "%s/tls.key" $files) -}}
{{- $_ := set .options "caCertFile" (printf "%s/ca.crt" $files) -}}
{{- $_ := set . "volumes" (append (.volumes | default list) (dict "name" "webhook-certificate" "secret" (dict "secretName" (printf "%s-certificate" .name)))) -}}
{{- $_ := set . "volumeMounts" (append (.volumeMounts | default list) (dict "name" "webhook-certificate" "mountPath" $files "readOnly" true)) -}}
{{- end -}}
