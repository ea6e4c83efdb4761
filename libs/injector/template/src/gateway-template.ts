import { DEFAULT_CONTAINER, ENVIRONMENT, LOGS, METADATA, MOUNTS, VOLUMES } from "./shared-template.ts";

/**
 * A gateway: the chart's Deployment has a container `istio-proxy` with the image `auto`, and this is what it becomes. It takes no
 * traffic by force, and may bind ports below 1024.
 */
export const GATEWAY_TEMPLATE = `${METADATA}
    istio.io/rev: {{ index .ObjectMeta.Labels "istio.io/rev" | default .Revision | default "default" | quote }}
  annotations:
    istio.io/rev: {{ .Revision | default "default" | quote }}${DEFAULT_CONTAINER}
spec:
  containers:
  - name: istio-proxy
    image: {{ annotation .ObjectMeta "sidecar.istio.io/proxyImage" .ProxyImage | quote }}
    {{- with .Values.global.imagePullPolicy }}
    imagePullPolicy: {{ . | quote }}
    {{- end }}
    args:
    - proxy
    - router
    - --domain
    - "$(POD_NAMESPACE).svc.{{ .Values.global.proxy.clusterDomain }}"${LOGS}
    ports:
    - {name: http-envoy-prom, containerPort: 15090, protocol: TCP}${ENVIRONMENT}
    {{- with .Values.global.proxy.lifecycle }}
    lifecycle: {{ toJSON . }}
    {{- end }}
    {{- if .Values.global.proxy.startupProbe.enabled }}
    startupProbe:
      httpGet: {path: /healthz/ready, port: 15021}
      periodSeconds: 1
      timeoutSeconds: 3
      failureThreshold: {{ .Values.global.proxy.startupProbe.failureThreshold }}
    {{- end }}
    readinessProbe:
      httpGet: {path: /healthz/ready, port: 15021}
      initialDelaySeconds: {{ .Values.global.proxy.readinessInitialDelaySeconds }}
      periodSeconds: {{ .Values.global.proxy.readinessPeriodSeconds }}
      timeoutSeconds: 3
      failureThreshold: {{ .Values.global.proxy.readinessFailureThreshold }}
    securityContext:
      allowPrivilegeEscalation: false
      privileged: false
      readOnlyRootFilesystem: true
      runAsUser: {{ .ProxyUID }}
      runAsGroup: {{ .ProxyGID }}
      runAsNonRoot: true
      capabilities: {drop: [ALL]}${MOUNTS}
  securityContext:
    sysctls:
    - {name: net.ipv4.ip_unprivileged_port_start, value: "0"}${VOLUMES}`;
