/**
 * An app as many are: it takes a while to start, answers slowly, keeps connections open, and dies at once with SIGTERM. It has two
 * replicas and is reached at `/slow` through Bookinfo's gateway.
 */
export function slowApp({ version = "v1", replicas = 2, more = "" } = {}): string {
  const server = `const { createServer } = require("node:http");
    setTimeout(() => createServer((_, r) => setTimeout(() => r.end("${version}"), 100))
      .listen(8000, process.env.BIND_ADDRESS), 1000);`;
  return `apiVersion: v1
kind: Service
metadata: {name: slow}
spec: {selector: {app: slow}, ports: [{name: http, port: 8000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: slow}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: slow}}
  template:
    metadata: {labels: {app: slow, version: ${version}}}
    spec:
      ${more}
      containers:
      - name: slow
        command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(server)}]
        ports: [{containerPort: 8000}]
        readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
---
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: slow}
spec:
  hosts: ["*"]
  gateways: [bookinfo-gateway]
  http: [{match: [{uri: {prefix: /slow}}], route: [{destination: {host: slow}}]}]
`;
}
