import { DEFAULT_CONTAINER, ENVIRONMENT, LOGS, METADATA, MOUNTS, RESOURCES, VOLUMES } from "./shared-template.ts";

/** What both templates say of the pod. A label `security.istio.io/tlsMode` is the user's to set: only the app knows whether it takes TLS. */
const POD = `${METADATA}
  annotations:
    # No proxy is between kubelet and the app.
    sidecar.istio.io/rewriteAppHTTPProbers: "false"`;

const SECURITY = `
    securityContext:
      allowPrivilegeEscalation: false
      privileged: false
      readOnlyRootFilesystem: true
      runAsUser: {{ .ProxyUID }}
      runAsGroup: {{ .ProxyGID }}
      runAsNonRoot: true
      capabilities: {drop: [ALL]}`;

const IMAGE = `
    image: {{ annotation .ObjectMeta "sidecar.istio.io/proxyImage" .ProxyImage | quote }}
    {{- with .Values.global.imagePullPolicy }}
    imagePullPolicy: {{ . | quote }}
    {{- end }}`;

/** Istio's name of the volume that the app's gRPC and the agent share; the private key in the other one stays in memory. */
const shared = (text: string): string =>
  text
    .replaceAll("istio-envoy", "istio-xds")
    .replace("{name: istio-data, emptyDir: {}}", "{name: istio-data, emptyDir: {medium: Memory}}");

/**
 * An app whose gRPC library is its own proxy: the agent beside it has the certificate, writes the bootstrap and leads to pilot
 * (docs/reference/platform.md §4.2). No traffic is captured, and there is no Envoy.
 */
export const GRPC_AGENT_TEMPLATE = `${POD}${DEFAULT_CONTAINER}
spec:
  {{- $hold := or .ProxyConfig.HoldApplicationUntilProxyStarts .Values.global.proxy.holdApplicationUntilProxyStarts }}
  containers:
  {{- range .Spec.Containers }}
  {{- if ne .Name "istio-proxy" }}
  - name: {{ .Name | quote }}
    env:
    - {name: GRPC_XDS_EXPERIMENTAL_SECURITY_SUPPORT, value: "true"}
    - {name: GRPC_XDS_BOOTSTRAP, value: /etc/istio/proxy/grpc-bootstrap.json}
    volumeMounts:
    - {name: istio-data, mountPath: /var/lib/istio/data}
    - {name: istio-xds, mountPath: /etc/istio/proxy}
  {{- end }}
  {{- end }}
  - name: istio-proxy${IMAGE}
    args:
    - proxy
    - sidecar
    - --domain
    - "$(POD_NAMESPACE).svc.{{ .Values.global.proxy.clusterDomain }}"${LOGS}${ENVIRONMENT}
    - {name: ISTIO_META_GENERATOR, value: grpc}
    - {name: OUTPUT_CERTS, value: /var/lib/istio/data}
    - {name: ISTIO_META_DNS_CAPTURE, value: "false"}
    - {name: DISABLE_ENVOY, value: "true"}
    {{- if .Values.global.proxy.lifecycle }}
    lifecycle: {{ toJSON .Values.global.proxy.lifecycle }}
    {{- else if $hold }}
    lifecycle:
      postStart: {exec: {command: [pilot-agent, wait]}}
    {{- end }}
    {{- if ne (annotation .ObjectMeta "status.sidecar.istio.io/port" .Values.global.proxy.statusPort) "0" }}
    readinessProbe:
      httpGet: {path: /healthz/ready, port: 15021}
      initialDelaySeconds: {{ annotation .ObjectMeta "readiness.status.sidecar.istio.io/initialDelaySeconds" .Values.global.proxy.readinessInitialDelaySeconds | int }}
      periodSeconds: {{ annotation .ObjectMeta "readiness.status.sidecar.istio.io/periodSeconds" .Values.global.proxy.readinessPeriodSeconds | int }}
      timeoutSeconds: 3
      failureThreshold: {{ annotation .ObjectMeta "readiness.status.sidecar.istio.io/failureThreshold" .Values.global.proxy.readinessFailureThreshold | int }}
    {{- end }}${RESOURCES}${SECURITY}${shared(MOUNTS)}${shared(VOLUMES)}`;

/**
 * The same without an agent: the app's gRPC asks pilot itself, at the plaintext port, and calls are plaintext. Istio's template
 * needs a shell for the file; here the agent's image writes it.
 */
export const GRPC_SIMPLE_TEMPLATE = `${POD}
spec:
  initContainers:
  - name: grpc-bootstrap-init${IMAGE}
    args: [grpc-bootstrap, --domain, "$(POD_NAMESPACE).svc.{{ .Values.global.proxy.clusterDomain }}", --output, /var/lib/grpc/data/bootstrap.json]${ENVIRONMENT}
    resources: {{ toJSON .Values.global.proxy_init.resources }}${SECURITY}
    volumeMounts:
    - {name: grpc-io-proxyless-bootstrap, mountPath: /var/lib/grpc/data}
    - {name: istio-podinfo, mountPath: /etc/istio/pod}
  containers:
  {{- range .Spec.Containers }}
  - name: {{ .Name | quote }}
    env:
    - {name: GRPC_XDS_BOOTSTRAP, value: /var/lib/grpc/data/bootstrap.json}
    volumeMounts:
    - {name: grpc-io-proxyless-bootstrap, mountPath: /var/lib/grpc/data}
  {{- end }}
  volumes:
  - {name: grpc-io-proxyless-bootstrap, emptyDir: {}}
  - name: istio-podinfo
    downwardAPI:
      items:
      - {path: labels, fieldRef: {fieldPath: metadata.labels}}
      - {path: annotations, fieldRef: {fieldPath: metadata.annotations}}
  {{- with .Values.global.imagePullSecrets }}
  imagePullSecrets:
  {{- range . }}
  - {name: {{ . | quote }}}
  {{- end }}
  {{- end }}
`;
