/**
 * The sidecar template that is used when the configuration names none: today's sidecar of Istio as far as a stock Envoy needs
 * it. Placeholders become quoted YAML texts; `{{#flag}}…{{/flag}}` keeps lines when the flag is set.
 */
export const DEFAULT_TEMPLATE = `
metadata:
  labels:
    security.istio.io/tlsMode: istio
    service.istio.io/canonical-name: {{canonicalName}}
    service.istio.io/canonical-revision: {{canonicalRevision}}
spec:
{{#captured}}
  initContainers:
  - name: istio-init
    image: {{values.initImage}}
    args: ["-p", "15001", "-z", "15006", "-u", "1337", "-m", {{interceptionMode}}, "-i", {{includeOutboundIPRanges}}, "-x", {{excludeOutboundIPRanges}}, "-b", {{includeInboundPorts}}, "-d", {{excludeInboundPorts}}, "-o", {{excludeOutboundPorts}}]
    resources: {requests: {cpu: 10m, memory: 10Mi}, limits: {cpu: 100m, memory: 50Mi}}
    securityContext: {runAsUser: 0, runAsGroup: 0, runAsNonRoot: false, capabilities: {add: [NET_ADMIN, NET_RAW], drop: [ALL]}}
{{/captured}}
  containers:
  - name: istio-proxy
    image: {{proxyImage}}
    args: ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.{{&values.clusterDomain}}", "--proxyLogLevel", {{logLevel}}, "--concurrency", {{concurrency}}]
    ports:
    - {name: http-envoy-prom, containerPort: 15090, protocol: TCP}
    env:
    - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
    - {name: INSTANCE_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: SERVICE_ACCOUNT, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}
    - {name: ISTIO_META_NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: CA_ADDR, value: {{values.caAddress}}}
    - {name: PROXY_CONFIG, value: {{proxyConfig}}}
    - {name: TRUST_DOMAIN, value: {{values.trustDomain}}}
    - {name: ISTIO_META_CLUSTER_ID, value: {{values.clusterId}}}
    - {name: ISTIO_META_MESH_ID, value: {{values.trustDomain}}}
    - {name: ISTIO_META_INTERCEPTION_MODE, value: {{interceptionMode}}}
    - {name: ISTIO_META_WORKLOAD_NAME, value: {{workloadName}}}
    - {name: ISTIO_META_OWNER, value: {{owner}}}
    - {name: ISTIO_META_POD_PORTS, value: {{podPorts}}}
    - {name: ISTIO_META_APP_CONTAINERS, value: {{appContainers}}}
    - {name: ISTIO_METAJSON_ANNOTATIONS, value: {{annotationsJson}}}
{{#proxyMetadata}}
    - {name: {{name}}, value: {{value}}}
{{/proxyMetadata}}
{{#holdApplication}}
    lifecycle: {postStart: {exec: {command: [pilot-agent, wait]}}}
{{/holdApplication}}
{{#probed}}
    readinessProbe: {httpGet: {path: /healthz/ready, port: 15021}, initialDelaySeconds: {{probeDelay}}, periodSeconds: {{probePeriod}}, timeoutSeconds: 3, failureThreshold: {{probeFailures}}}
{{/probed}}
    resources:
{{#requested}}
      requests:
{{#requestCpu}}
        cpu: {{requestCpu}}
{{/requestCpu}}
{{#requestMemory}}
        memory: {{requestMemory}}
{{/requestMemory}}
{{/requested}}
{{#limited}}
      limits:
{{#limitCpu}}
        cpu: {{limitCpu}}
{{/limitCpu}}
{{#limitMemory}}
        memory: {{limitMemory}}
{{/limitMemory}}
{{/limited}}
{{#tproxy}}
    securityContext: {allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true, runAsUser: 0, runAsGroup: 1337, runAsNonRoot: false, capabilities: {add: [NET_ADMIN], drop: [ALL]}}
{{/tproxy}}
{{^tproxy}}
    securityContext: {allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true, runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true, capabilities: {drop: [ALL]}}
{{/tproxy}}
    volumeMounts:
    - {name: istio-envoy, mountPath: /etc/istio/proxy}
    - {name: istio-podinfo, mountPath: /etc/istio/pod}
    - {name: istio-token, mountPath: /var/run/secrets/tokens}
    - {name: istiod-ca-cert, mountPath: /var/run/secrets/istio}
  volumes:
  - {name: istio-envoy, emptyDir: {medium: Memory}}
  - name: istio-podinfo
    downwardAPI:
      items:
      - {path: labels, fieldRef: {fieldPath: metadata.labels}}
      - {path: annotations, fieldRef: {fieldPath: metadata.annotations}}
  - name: istio-token
    projected:
      sources:
      - serviceAccountToken: {path: istio-token, audience: istio-ca, expirationSeconds: 43200}
  - {name: istiod-ca-cert, configMap: {name: istio-ca-root-cert}}
`;
