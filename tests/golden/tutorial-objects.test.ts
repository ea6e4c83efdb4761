// Objects as users copy them from tutorials: what Istio takes is taken and has its effect, and what is misspelt names what was meant.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { loadWholeApi } from "@xebec/api-envoy";
import { validateObject, violationsText } from "@xebec/galley-validate";
import { keyOf } from "@xebec/model-resources";
import { objectConditions } from "@xebec/pilot-snapshot";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { yamlDocuments } from "@xebec/testing-golden";
import { type LabService, recordsOf } from "../behaviour/lab/mesh.ts";

const service = (
  name: string,
  namespace: string,
  ports: LabService["ports"],
  version: string,
  n: number,
): LabService => ({
  ...{ name, namespace, address: `10.96.1.${n}`, ports },
  pods: [{ name: `${name}-1`, ip: `10.1.1.${n}`, labels: { version } }],
});
/** What a tutorial's cluster has. */
const SERVICES = [
  service("shop", "default", { "http-8080": 8080 }, "v1.0", 1),
  service("stock", "default", { "http-8082": 8082 }, "v1.1", 2),
  service("console", "istio-system", { http: 20_001 }, "v1", 3),
  service("productpage", "default", { http: 9080 }, "v1", 5),
  service("frontend", "default", { "http-80": 80 }, "v1", 6),
  service("mongo", "default", { "tcp-custom": 9307 }, "v1", 7),
  service("istio-egressgateway", "istio-system", { http2: 80 }, "v1", 4),
];
const PROXIES = {
  routers: [{ app: "istio-ingressgateway" }, { app: "istio-egressgateway" }],
  use: undefined,
};

/** Applied together, as users do. */
const ACCEPTED: readonly (readonly [name: string, yaml: string])[] = [
  [
    "a console behind the ingress, by its path",
    `apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: { name: console, namespace: istio-system }
spec:
  selector: { app: istio-ingressgateway }
  servers:
  - port: { number: 80, name: http-console, protocol: HTTP }
    hosts: ["console.example.com"]
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: { name: console, namespace: istio-system }
spec:
  hosts: ["console.example.com"]
  gateways: [console]
  http:
  - match: [{ uri: { prefix: / } }]
    route: [{ destination: { host: console, port: { number: 20001 } } }]
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: { name: console, namespace: istio-system }
spec: { host: console, trafficPolicy: { tls: { mode: DISABLE } } }
`,
  ],
  [
    "a Gateway on a port of its own, and rules by that port",
    `apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: { name: console, namespace: istio-system }
spec:
  selector: { app: istio-ingressgateway }
  servers: [{ port: { number: 20001, name: http-console, protocol: HTTP }, hosts: ["console.example.com"] }]
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: { name: console, namespace: istio-system }
spec:
  hosts: ["console.example.com"]
  gateways: [console]
  http:
  - match: [{ port: 20001 }]
    route: [{ destination: { host: console, port: { number: 20001 } } }]
`,
  ],
  [
    "HTTPS with a Secret, and a redirect to it",
    `apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: { name: secure, namespace: istio-system }
spec:
  selector: { app: istio-ingressgateway }
  servers:
  - { port: { number: 80, name: http, protocol: HTTP }, hosts: ["shop.example.com"], tls: { httpsRedirect: true } }
  - { port: { number: 443, name: https, protocol: HTTPS }, hosts: ["shop.example.com"], tls: { mode: SIMPLE, credentialName: shop-certificate } }
`,
  ],
  [
    "rewrite, redirect, headers and faults by name of the rule",
    `apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop]
  http:
  - name: canary
    match: [{ headers: { x-canary: { exact: "true" } } }]
    rewrite: { uri: / }
    route:
    - destination: { host: shop, subset: v10 }
      headers: { request: { set: { User-Agent: Browser } }, response: { add: { x-canary: "true" } } }
    fault: { abort: { percentage: { value: 20 }, httpStatus: 555 } }
  - name: backend
    match: [{ uri: { prefix: /backend } }]
    redirect: { uri: /, authority: stock, port: 8082 }
  - name: rest
    headers: { response: { add: { x-Envoy: test } } }
    route: [{ destination: { host: shop, subset: v10 } }]
    fault: { delay: { percentage: { value: 20 }, fixedDelay: 3s } }
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: { name: shop }
spec:
  host: shop
  trafficPolicy: { loadBalancer: { simple: LEAST_CONN } }
  subsets:
  - name: v10
    labels: { version: v1.0 }
    trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x-User } } }
`,
  ],
  [
    "servers outside the mesh, as WorkloadEntries, through an egress gateway",
    `apiVersion: networking.istio.io/v1beta1
kind: WorkloadEntry
metadata: { name: web-1 }
spec: { address: 172.29.1.1, ports: { http: 8091 }, labels: { app: web, version: "v1.20", instance-id: Web1 } }
---
apiVersion: networking.istio.io/v1beta1
kind: WorkloadEntry
metadata: { name: web-2 }
spec: { address: 172.29.1.2, ports: { http: 8091 }, labels: { app: web, version: "v1.21" } }
---
apiVersion: networking.istio.io/v1beta1
kind: ServiceEntry
metadata: { name: web }
spec:
  hosts: [web.example.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  location: MESH_EXTERNAL
  resolution: STATIC
  workloadSelector: { labels: { app: web } }
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: { name: web }
spec:
  host: web.example.com
  trafficPolicy:
    loadBalancer: { simple: RANDOM }
    connectionPool:
      tcp: { maxConnections: 10000, connectTimeout: 10ms, tcpKeepalive: { time: 7200s, interval: 75s } }
      http: { http2MaxRequests: 1000, maxRequestsPerConnection: 10 }
    outlierDetection: { maxEjectionPercent: 50, consecutive5xxErrors: 5, interval: 2m, baseEjectionTime: 1m, minHealthPercent: 40 }
  subsets:
  - { name: v20, labels: { version: "v1.20" } }
  - { name: v21, labels: { version: "v1.21" } }
---
apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: { name: egress, namespace: istio-system }
spec:
  selector: { app: istio-egressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: { name: web }
spec:
  hosts: [web.example.com]
  gateways: [istio-system/egress, mesh]
  http:
  - match: [{ gateways: [mesh] }]
    route: [{ destination: { host: istio-egressgateway.istio-system.svc.cluster.local } }]
  - match: [{ gateways: [istio-system/egress] }]
    route:
    - { destination: { host: web.example.com, subset: v21 }, weight: 5 }
    - { destination: { host: web.example.com, subset: v20 }, weight: 95 }
`,
  ],
  [
    "endpoints of a ServiceEntry with addresses and ports of their own",
    `apiVersion: networking.istio.io/v1beta1
kind: ServiceEntry
metadata: { name: web }
spec:
  hosts: [web.example.com]
  addresses: [172.29.1.1, 172.29.1.2]
  ports: [{ number: 8091, name: http, protocol: HTTP }]
  location: MESH_EXTERNAL
  resolution: STATIC
  endpoints:
  - { address: 172.29.1.1, ports: { http: 8091 } }
  - { address: 172.29.1.2, ports: { http: 8091 } }
`,
  ],
  [
    "Bookinfo behind the ingress: any host, exact paths and prefixes",
    `apiVersion: networking.istio.io/v1alpha3
kind: Gateway
metadata: { name: bookinfo }
spec:
  selector: { app: istio-ingressgateway } # use istio default controller
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: { name: bookinfo }
spec:
  hosts: ["*"]
  gateways: [bookinfo]
  http:
  - match: [{ uri: { exact: /productpage } }, { uri: { prefix: /static } }, { uri: { exact: /login } }]
    route: [{ destination: { host: productpage, port: { number: 9080 } } }]
`,
  ],
  [
    "a front end behind the ingress: a rule without a match, a destination without a port",
    `apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: { name: frontend }
spec:
  selector: { app: istio-ingressgateway }
  servers: [{ port: { number: 80, name: http-fronted, protocol: HTTP }, hosts: ["frontend.example.com"] }]
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: { name: frontend }
spec:
  hosts: ["frontend.example.com"]
  gateways: [frontend]
  http: [{ name: default, route: [{ destination: { host: frontend } }] }]
`,
  ],
  [
    "an external host with several faults at once, by a header, and a hash by another",
    `apiVersion: networking.istio.io/v1beta1
kind: ServiceEntry
metadata: { name: web }
spec:
  hosts: [web.example.com]
  ports: [{ number: 8091, name: http, protocol: HTTP }]
  location: MESH_EXTERNAL
  resolution: STATIC
  endpoints: [{ address: 172.29.1.1, ports: { http: 8091 } }]
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: { name: web }
spec: { host: web.example.com, trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: X-User } } } }
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: { name: web }
spec:
  hosts: [web.example.com]
  http:
  - name: fault-injection
    match: [{ headers: { X-Testing: { exact: "true" } } }]
    route: [{ destination: { host: web.example.com } }]
    fault:
      delay: { percentage: { value: 5 }, fixedDelay: 2s }
      abort: { percentage: { value: 5 }, httpStatus: 555 }
  - name: rest
    route: [{ destination: { host: web.example.com } }]
`,
  ],
  [
    "EnvoyFilters: a filter before another on one port, and settings of every connection manager",
    `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: custom-protocol, namespace: istio-system }
spec:
  configPatches:
  - applyTo: NETWORK_FILTER
    match:
      context: SIDECAR_OUTBOUND # will match outbound listeners in all sidecars
      listener: { portNumber: 9307, filterChain: { filter: { name: "envoy.filters.network.tcp_proxy" } } }
    patch:
      operation: INSERT_BEFORE
      value:
        name: "envoy.extensions.filters.network.mongo_proxy"
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy", stat_prefix: mongo }
  - applyTo: NETWORK_FILTER # http connection manager is a filter in Envoy
    match:
      # context omitted so that this applies to both sidecars and gateways
      listener: { filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } } }
    patch:
      operation: MERGE
      value:
        name: "envoy.filters.network.http_connection_manager"
        typed_config:
          "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
          common_http_protocol_options: { idle_timeout: 30s }
`,
  ],
  [
    "Telemetry: two more labels of every metric of a namespace",
    `apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: { name: namespace-metrics, namespace: default }
spec:
  # no selector specified, applies to all workloads in the namespace
  metrics:
  - providers: [{ name: prometheus }]
    overrides:
    # match clause left off matches all istio metrics, client and server
    - tagOverrides:
        request_method: { value: "request.method" }
        request_host: { value: "request.host" }
`,
  ],
  [
    "a Sidecar for one workload, which may call what is registered",
    `apiVersion: networking.istio.io/v1beta1
kind: Sidecar
metadata: { name: client }
spec:
  workloadSelector: { labels: { run: client } }
  outboundTrafficPolicy: { mode: REGISTRY_ONLY }
  egress: [{ port: { number: 8080, protocol: HTTP, name: shop }, hosts: ["./*"] }]
`,
  ],
  [
    "mutual TLS, tokens and permissions for one workload",
    `apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata: { name: shop }
spec: { selector: { matchLabels: { app: shop } }, mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1beta1
kind: RequestAuthentication
metadata: { name: shop }
spec:
  selector: { matchLabels: { app: shop } }
  jwtRules: [{ issuer: "http://login.example.com/realms/shop", jwksUri: "http://login.example.com/realms/shop/certs" }]
---
apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata: { name: shop }
spec:
  selector: { matchLabels: { app: shop } }
  rules:
  - from:
    - source: { principals: ["cluster.local/ns/default/sa/default"] }
    - source: { namespaces: [default, dev, istio-system] }
    to: [{ operation: { methods: [GET], paths: ["/*"] } }]
  - from: [{ source: { requestPrincipals: ["*"] } }]
    to: [{ operation: { methods: [POST], paths: [/livez, /readyz] } }]
    when: [{ key: "request.auth.claims[iss]", values: ["http://login.example.com/realms/shop"] }]
`,
  ],
];

const route = (text: string): string =>
  `apiVersion: networking.istio.io/v1beta1\nkind: VirtualService\nmetadata: { name: shop }\nspec:\n  hosts: [shop]\n  http:\n  - ${text}\n`;

/** Misspelt objects, and what their writer reads. */
const REFUSED: readonly (readonly [name: string, yaml: string, message: RegExp])[] = [
  [
    "destinations",
    route("route: [{ destinations: { host: shop, subset: v10 } }]"),
    /^spec\.http\[0\]\.route\[0\]\.destinations: unknown field; did you mean destination\?/,
  ],
  [
    "httpStaus",
    route(
      "fault: { abort: { percentage: { value: 20 }, httpStaus: 555 } }\n    route: [{ destination: { host: shop } }]",
    ),
    /^spec\.http\[0\]\.fault\.abort\.httpStaus: unknown field; did you mean httpStatus\?/,
  ],
  [
    "a map where a list of matches stands",
    route("match: { uri: { prefix: / } }\n    route: [{ destination: { host: shop } }]"),
    /^spec\.http\[0\]\.match: must be a list, not a map/,
  ],
  [
    "v1beat1, and a map where a list of listeners stands",
    `apiVersion: networking.istio.io/v1beat1
kind: Sidecar
metadata: { name: client }
spec: { egress: { port: { number: 8080, protocol: HTTP, name: shop }, host: "./*" } }
`,
    /^apiVersion: Sidecar has no version v1beat1; did you mean v1beta1\?; spec\.egress: must be a list, not a map/,
  ],
  [
    "app/v1",
    "apiVersion: app/v1\nkind: Deployment\nmetadata: { name: forecast }\nspec: {}\n",
    /did you mean apps\/v1\?/,
  ],
  [
    "apiversion",
    "apiversion: v1\nkind: Service\nmetadata: { name: forecast }\nspec: { selector: { app: forecast } }\n",
    /^apiVersion: is required; did you mean it by apiversion\?/,
  ],
  [
    "paths beside operation",
    `apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata: { name: shop }
spec:
  rules:
  - to:
    - operation: { methods: [GET] }
      paths: ["/*"]
`,
    /^spec\.rules\[0\]\.to\[0\]\.paths: unknown field; did you mean operation\.paths\?/,
  ],
  [
    "what installs Istio",
    "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: demo }\nspec: { profile: demo }\n",
    /IstioOperator of install\.istio\.io is not supported by this version; .*MeshConfig/,
  ],
];

/** Text that is no YAML, and the line that is said to be wrong. */
const NO_YAML: readonly (readonly [name: string, yaml: string, message: RegExp])[] = [
  [
    "a list with an item further to the right",
    `kind: DestinationRule
spec:
  subsets:
  - name: v10
    labels: { version: v1.0 }
   - name: v11
`,
    /must start at the same column at line 6/,
  ],
  ["a list to the left of its key", "rules:\n  - from:\n   - source: {}\n", /must start at the same column at line 2/],
  [
    "dots where the rest is left out",
    'typed_config:\n  "@type": "type.googleapis.com/MongoProxy"\n  ...\n',
    /at line 3/,
  ],
];

describe("objects of tutorials are in effect as they are", () => {
  before(() => loadWholeApi());

  for (const [name, yaml] of ACCEPTED)
    it(name, () => {
      const builder = new MeshBuilder();
      builder.apply({ workloads: { puts: SERVICES.flatMap(recordsOf), deletes: [] } });
      const puts = (yamlDocuments(yaml) as Record<string, unknown>[]).map((value) => {
        const result = validateObject({ value });
        if (result.outcome !== "accepted")
          assert.fail(result.outcome === "rejected" ? violationsText(result.violations) : result.outcome);
        assert.deepEqual(result.warnings, []);
        return result.resource;
      });
      builder.apply({ config: { puts, deletes: [] } });
      const conditions = new Map(
        [...objectConditions(builder.snapshot, PROXIES)].map(({ key, reason, message }) => [key, { reason, message }]),
      );
      for (const each of puts) {
        const { reason, message } = conditions.get(keyOf(each)) ?? {};
        assert.equal(reason, "Attached", `${each.kind} ${each.name}: ${message}`);
      }
    });
});

describe("text that is no YAML names the line", () => {
  for (const [name, yaml, message] of NO_YAML) it(name, () => assert.throws(() => yamlDocuments(yaml), message));
});

describe("misspelt objects of tutorials name what was meant", () => {
  for (const [name, yaml, message] of REFUSED)
    it(name, () => {
      const [value] = yamlDocuments(yaml) as Record<string, unknown>[];
      const result = validateObject({ value: value ?? {} });
      assert.match(result.outcome === "rejected" ? violationsText(result.violations) : result.outcome, message);
    });
});
