import { DEFAULT_CONTAINER, ENVIRONMENT, LOGS, METADATA, MOUNTS, RESOURCES, VOLUMES } from "./shared-template.ts";

/** What stands in a container, be it started with the app's or before them. */
const PROXY = `
  - name: istio-proxy
    image: {{ annotation .ObjectMeta "sidecar.istio.io/proxyImage" .ProxyImage | quote }}
    {{- with .Values.global.imagePullPolicy }}
    imagePullPolicy: {{ . | quote }}
    {{- end }}
    args:
    - proxy
    - sidecar
    - --domain
    - "$(POD_NAMESPACE).svc.{{ .Values.global.proxy.clusterDomain }}"${LOGS}
    {{- with .Values.global.proxy.outlierLogPath }}
    - --outlierLogPath
    - {{ . | quote }}
    {{- end }}
    ports:
    - {name: http-envoy-prom, containerPort: 15090, protocol: TCP}${ENVIRONMENT}
    {{- if $native }}
    restartPolicy: Always
    lifecycle:
      preStop: {exec: {command: [pilot-agent, request, --debug-port=15020, POST, drain]}}
    {{- else if .Values.global.proxy.lifecycle }}
    lifecycle: {{ toJSON .Values.global.proxy.lifecycle }}
    {{- else if $hold }}
    lifecycle:
      postStart: {exec: {command: [pilot-agent, wait]}}
    {{- end }}
    {{- if ne (annotation .ObjectMeta "status.sidecar.istio.io/port" .Values.global.proxy.statusPort) "0" }}
    {{- if or $native .Values.global.proxy.startupProbe.enabled }}
    startupProbe:
      httpGet: {path: /healthz/ready, port: 15021}
      periodSeconds: 1
      timeoutSeconds: 3
      failureThreshold: {{ .Values.global.proxy.startupProbe.failureThreshold }}
    {{- end }}
    readinessProbe:
      httpGet: {path: /healthz/ready, port: 15021}
      initialDelaySeconds: {{ annotation .ObjectMeta "readiness.status.sidecar.istio.io/initialDelaySeconds" .Values.global.proxy.readinessInitialDelaySeconds | int }}
      periodSeconds: {{ annotation .ObjectMeta "readiness.status.sidecar.istio.io/periodSeconds" .Values.global.proxy.readinessPeriodSeconds | int }}
      timeoutSeconds: 3
      failureThreshold: {{ annotation .ObjectMeta "readiness.status.sidecar.istio.io/failureThreshold" .Values.global.proxy.readinessFailureThreshold | int }}
    {{- end }}${RESOURCES}
    {{- $tproxy := eq .InterceptionMode "TPROXY" }}
    {{- $bind := eq (annotation .ObjectMeta "sidecar.istio.io/capNetBindService" .Values.global.proxy.capNetBindService) "true" }}
    securityContext:
      allowPrivilegeEscalation: {{ .Values.global.proxy.privileged }}
      privileged: {{ .Values.global.proxy.privileged }}
      readOnlyRootFilesystem: {{ not .Values.global.proxy.enableCoreDump }}
      capabilities:
        {{- if or $tproxy $bind }}
        add:
        {{- if $tproxy }}
        - NET_ADMIN
        {{- end }}
        {{- if $bind }}
        - NET_BIND_SERVICE
        {{- end }}
        {{- end }}
        drop: [ALL]
      runAsGroup: {{ .ProxyGID }}
      {{- if or $tproxy $bind }}
      runAsUser: 0
      runAsNonRoot: false
      {{- else }}
      runAsUser: {{ .ProxyUID }}
      runAsNonRoot: true
      {{- end }}${MOUNTS}`;

/** Takes the pod's traffic to the proxy, or looks whether the CNI plugin has done so. */
const INIT = `
  - name: {{ if .Values.pilot.cni.enabled }}istio-validation{{ else }}istio-init{{ end }}
    image: {{ .InitImage | quote }}
    {{- with .Values.global.imagePullPolicy }}
    imagePullPolicy: {{ . | quote }}
    {{- end }}
    args:
    - istio-iptables
    - -p
    - "15001"
    - -z
    - "15006"
    - -u
    - {{ .ProxyUID | toString | quote }}
    - -m
    - {{ .InterceptionMode | quote }}
    - -i
    - {{ annotation .ObjectMeta "traffic.sidecar.istio.io/includeOutboundIPRanges" .Values.global.proxy.includeIPRanges | quote }}
    - -x
    - {{ annotation .ObjectMeta "traffic.sidecar.istio.io/excludeOutboundIPRanges" .Values.global.proxy.excludeIPRanges | quote }}
    - -b
    - {{ annotation .ObjectMeta "traffic.sidecar.istio.io/includeInboundPorts" .Values.global.proxy.includeInboundPorts | quote }}
    - -d
    - "15090,15021,{{ excludeInboundPort (annotation .ObjectMeta "status.sidecar.istio.io/port" .Values.global.proxy.statusPort) (annotation .ObjectMeta "traffic.sidecar.istio.io/excludeInboundPorts" .Values.global.proxy.excludeInboundPorts) }}"
    {{- with annotation .ObjectMeta "traffic.sidecar.istio.io/includeOutboundPorts" .Values.global.proxy.includeOutboundPorts }}
    - -q
    - {{ . | quote }}
    {{- end }}
    {{- with annotation .ObjectMeta "traffic.sidecar.istio.io/excludeOutboundPorts" .Values.global.proxy.excludeOutboundPorts }}
    - -o
    - {{ . | quote }}
    {{- end }}
    {{- with annotation .ObjectMeta "istio.io/reroute-virtual-interfaces" (annotation .ObjectMeta "traffic.sidecar.istio.io/kubevirtInterfaces" "") }}
    - -k
    - {{ . | quote }}
    {{- end }}
    {{- with annotation .ObjectMeta "traffic.sidecar.istio.io/excludeInterfaces" "" }}
    - -c
    - {{ . | quote }}
    {{- end }}
    - --log_output_level={{ annotation .ObjectMeta "sidecar.istio.io/agentLogLevel" .Values.global.logging.level }}
    {{- if .Values.global.proxy_init.forceApplyIptables }}
    - --force-apply
    {{- end }}
    {{- if .Values.pilot.cni.enabled }}
    - --run-validation
    - --skip-rule-apply
    {{- end }}
    {{- with .ProxyConfig.ProxyMetadata }}
    env:
    {{- range $name, $value := . }}
    - {name: {{ $name | quote }}, value: {{ $value | toString | quote }}}
    {{- end }}
    {{- end }}
    resources: {{ toJSON .Values.global.proxy_init.resources }}
    securityContext:
      {{- if .Values.pilot.cni.enabled }}
      allowPrivilegeEscalation: false
      privileged: false
      readOnlyRootFilesystem: true
      runAsUser: {{ .ProxyUID }}
      runAsGroup: {{ .ProxyGID }}
      runAsNonRoot: true
      capabilities: {drop: [ALL]}
      {{- else }}
      allowPrivilegeEscalation: {{ .Values.global.proxy.privileged }}
      privileged: {{ .Values.global.proxy.privileged }}
      readOnlyRootFilesystem: false
      runAsUser: 0
      runAsGroup: 0
      runAsNonRoot: false
      capabilities: {add: [NET_ADMIN, NET_RAW], drop: [ALL]}
      {{- end }}`;

/** The sidecar of a pod, when the configuration has no template of this name (docs/reference/platform.md §4.6). */
export const SIDECAR_TEMPLATE = `
{{- $native := .NativeSidecars }}
{{- $hold := and (not $native) (or .ProxyConfig.HoldApplicationUntilProxyStarts .Values.global.proxy.holdApplicationUntilProxyStarts) }}
{{- $captured := ne .InterceptionMode "NONE" }}${METADATA}
    {{- if ne .Values.global.pilotCertProvider "none" }}
    security.istio.io/tlsMode: {{ index .ObjectMeta.Labels "security.istio.io/tlsMode" | default "istio" | quote }}
    {{- end }}
  annotations:
    istio.io/rev: {{ .Revision | default "default" | quote }}${DEFAULT_CONTAINER}
    {{- if and .Values.pilot.cni.enabled $captured }}
    sidecar.istio.io/interceptionMode: {{ .InterceptionMode | quote }}
    {{- if .Values.pilot.cni.provider | eq "multus" }}
    k8s.v1.cni.cncf.io/networks: {{ appendMultusNetwork (index .ObjectMeta.Annotations "k8s.v1.cni.cncf.io/networks") "default/istio-cni" | quote }}
    {{- end }}
    traffic.sidecar.istio.io/includeOutboundIPRanges: {{ annotation .ObjectMeta "traffic.sidecar.istio.io/includeOutboundIPRanges" .Values.global.proxy.includeIPRanges | quote }}
    traffic.sidecar.istio.io/excludeOutboundIPRanges: {{ annotation .ObjectMeta "traffic.sidecar.istio.io/excludeOutboundIPRanges" .Values.global.proxy.excludeIPRanges | quote }}
    traffic.sidecar.istio.io/includeInboundPorts: {{ annotation .ObjectMeta "traffic.sidecar.istio.io/includeInboundPorts" .Values.global.proxy.includeInboundPorts | quote }}
    traffic.sidecar.istio.io/excludeInboundPorts: {{ excludeInboundPort (annotation .ObjectMeta "status.sidecar.istio.io/port" .Values.global.proxy.statusPort) (annotation .ObjectMeta "traffic.sidecar.istio.io/excludeInboundPorts" .Values.global.proxy.excludeInboundPorts) | quote }}
    {{- with annotation .ObjectMeta "traffic.sidecar.istio.io/excludeOutboundPorts" .Values.global.proxy.excludeOutboundPorts }}
    traffic.sidecar.istio.io/excludeOutboundPorts: {{ . | quote }}
    {{- end }}
    {{- end }}
spec:
{{- if or $captured $native }}
  initContainers:
{{- if $captured }}${INIT}
{{- end }}
{{- if $native }}${PROXY}
{{- end }}
{{- end }}
{{- if not $native }}
  containers:${PROXY}
{{- end }}${VOLUMES}`;
