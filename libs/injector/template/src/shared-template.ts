/**
 * The parts that the built-in templates have in common. They are Go templates, as Istio's are, and have Istio's data
 * (docs/reference/platform.md §4.6), so that a template of Istio's works in their place.
 */

/** Labels and annotations of a pod with a proxy. */
export const METADATA = `
{{- $apps := list }}
{{- range .Spec.Containers }}{{ if ne .Name "istio-proxy" }}{{ $apps = append $apps .Name }}{{ end }}{{ end }}
metadata:
  labels:
    service.istio.io/canonical-name: {{ index .ObjectMeta.Labels "service.istio.io/canonical-name" | default .CanonicalName | quote }}
    service.istio.io/canonical-revision: {{ index .ObjectMeta.Labels "service.istio.io/canonical-revision" | default .CanonicalRevision | quote }}`;

/** The container's annotation for kubectl, where there is one container that it can mean. */
export const DEFAULT_CONTAINER = `
    {{- if and (gt (len $apps) 0) (not (isset .ObjectMeta.Annotations "kubectl.kubernetes.io/default-container")) }}
    kubectl.kubernetes.io/default-container: {{ index $apps 0 | quote }}
    {{- end }}
    {{- if and (gt (len $apps) 0) (not (isset .ObjectMeta.Annotations "kubectl.kubernetes.io/default-logs-container")) }}
    kubectl.kubernetes.io/default-logs-container: {{ index $apps 0 | quote }}
    {{- end }}`;

/** Who and where the pod is, and what its proxy starts with. */
export const ENVIRONMENT = `
    env:
    - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
    - {name: INSTANCE_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: HOST_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
    - {name: SERVICE_ACCOUNT, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}
    - {name: ISTIO_META_NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: PILOT_CERT_PROVIDER, value: {{ .Values.global.pilotCertProvider | quote }}}
    - {name: CA_ADDR, value: {{ .CaAddress | quote }}}
    - {name: ISTIO_NAMESPACE, value: {{ .Values.global.istioNamespace | quote }}}
    - {name: PROXY_CONFIG, value: {{ protoToJSON .ProxyConfig | quote }}}
    - {name: TRUST_DOMAIN, value: {{ .TrustDomain | quote }}}
    - {name: ISTIO_META_CLUSTER_ID, value: {{ .ClusterID | quote }}}
    - {name: ISTIO_META_MESH_ID, value: {{ .Values.global.meshID | default .TrustDomain | quote }}}
    - {name: ISTIO_META_INTERCEPTION_MODE, value: {{ .InterceptionMode | quote }}}
    {{- if .Network }}
    - {name: ISTIO_META_NETWORK, value: {{ .Network | quote }}}
    {{- end }}
    - {name: ISTIO_META_WORKLOAD_NAME, value: {{ .DeploymentMeta.Name | quote }}}
    - {name: ISTIO_META_OWNER, value: {{ .Owner | quote }}}
    - {name: ISTIO_META_POD_PORTS, value: {{ .PodPorts | quote }}}
    - {name: ISTIO_META_APP_CONTAINERS, value: {{ join "," $apps | quote }}}
    {{- if .ObjectMeta.Annotations }}
    - {name: ISTIO_METAJSON_ANNOTATIONS, value: {{ toJSON .ObjectMeta.Annotations | quote }}}
    {{- end }}
    {{- if isset .ObjectMeta.Annotations "sidecar.istio.io/bootstrapOverride" }}
    - {name: ISTIO_BOOTSTRAP_OVERRIDE, value: /etc/istio/custom-bootstrap/custom_bootstrap.json}
    {{- end }}
    {{- range $name, $value := .ProxyConfig.ProxyMetadata }}
    - {name: {{ $name | quote }}, value: {{ $value | toString | quote }}}
    {{- end }}`;

export const LOGS = `
    - --proxyLogLevel
    - {{ annotation .ObjectMeta "sidecar.istio.io/logLevel" .Values.global.proxy.logLevel | quote }}
    {{- with annotation .ObjectMeta "sidecar.istio.io/componentLogLevel" .Values.global.proxy.componentLogLevel }}
    - --proxyComponentLogLevel
    - {{ . | quote }}
    {{- end }}
    - --log_output_level
    - {{ annotation .ObjectMeta "sidecar.istio.io/agentLogLevel" .Values.global.logging.level | quote }}
    {{- if .Values.global.logAsJson }}
    - --log_as_json
    {{- end }}`;

/** What annotations say of the proxy's resources replaces what the installation says. */
export const RESOURCES = `
    {{- $cpu := annotation .ObjectMeta "sidecar.istio.io/proxyCPU" "" }}
    {{- $memory := annotation .ObjectMeta "sidecar.istio.io/proxyMemory" "" }}
    {{- $cpuLimit := annotation .ObjectMeta "sidecar.istio.io/proxyCPULimit" "" }}
    {{- $memoryLimit := annotation .ObjectMeta "sidecar.istio.io/proxyMemoryLimit" "" }}
    {{- if or $cpu $memory $cpuLimit $memoryLimit }}
    resources:
      {{- if or $cpu $memory }}
      requests:
        {{- with $cpu }}
        cpu: {{ . | quote }}
        {{- end }}
        {{- with $memory }}
        memory: {{ . | quote }}
        {{- end }}
      {{- end }}
      {{- if or $cpuLimit $memoryLimit }}
      limits:
        {{- with $cpuLimit }}
        cpu: {{ . | quote }}
        {{- end }}
        {{- with $memoryLimit }}
        memory: {{ . | quote }}
        {{- end }}
      {{- end }}
    {{- else if .Values.global.proxy.resources }}
    resources: {{ toJSON .Values.global.proxy.resources }}
    {{- end }}`;

export const MOUNTS = `
    volumeMounts:
    - {name: istio-envoy, mountPath: /etc/istio/proxy}
    - {name: istio-data, mountPath: /var/lib/istio/data}
    - {name: istio-podinfo, mountPath: /etc/istio/pod}
    {{- if ne .Values.global.pilotCertProvider "none" }}
    - {name: istio-token, mountPath: /var/run/secrets/tokens}
    - {name: istiod-ca-cert, mountPath: /var/run/secrets/istio}
    {{- end }}
    {{- if isset .ObjectMeta.Annotations "sidecar.istio.io/bootstrapOverride" }}
    - {name: custom-bootstrap-volume, mountPath: /etc/istio/custom-bootstrap}
    {{- end }}
    {{- range $name, $mount := fromJSON (annotation .ObjectMeta "sidecar.istio.io/userVolumeMount" "{}") }}
    - {{ merge (dict "name" $name) $mount | toJSON }}
    {{- end }}`;

export const VOLUMES = `
  volumes:
  - {name: istio-envoy, emptyDir: {medium: Memory}}
  - {name: istio-data, emptyDir: {}}
  - name: istio-podinfo
    downwardAPI:
      items:
      - {path: labels, fieldRef: {fieldPath: metadata.labels}}
      - {path: annotations, fieldRef: {fieldPath: metadata.annotations}}
  {{- if ne .Values.global.pilotCertProvider "none" }}
  - name: istio-token
    projected:
      sources:
      - serviceAccountToken: {path: istio-token, audience: {{ .Values.global.sds.token.aud | quote }}, expirationSeconds: 43200}
  - {name: istiod-ca-cert, configMap: {name: istio-ca-root-cert}}
  {{- end }}
  {{- if isset .ObjectMeta.Annotations "sidecar.istio.io/bootstrapOverride" }}
  - {name: custom-bootstrap-volume, configMap: {name: {{ index .ObjectMeta.Annotations "sidecar.istio.io/bootstrapOverride" | quote }}}}
  {{- end }}
  {{- range $name, $volume := fromJSON (annotation .ObjectMeta "sidecar.istio.io/userVolume" "{}") }}
  - {{ merge (dict "name" $name) $volume | toJSON }}
  {{- end }}
  {{- with .Values.global.imagePullSecrets }}
  imagePullSecrets:
  {{- range . }}
  - {name: {{ . | quote }}}
  {{- end }}
  {{- end }}
  {{- with .Values.global.podDNSSearchNamespaces }}
  dnsConfig:
    searches: {{ toJSON . }}
  {{- end }}
`;
