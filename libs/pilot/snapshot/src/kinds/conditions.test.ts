import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outcomeOf, type Resource } from "@xebec/model-resources";
import { objectConditions } from "../object-conditions.ts";
import { object, service, snapshotOf } from "../small-mesh.testkit.ts";

const ROUTER = { istio: "ingress" };

/** `reason: message` of the first object. */
function said(objects: readonly [Resource, ...Resource[]]): string {
  const [first] = objects;
  const snapshot = snapshotOf(objects, service("reviews"));
  const key = `${first.group}/${first.kind}/${first.namespace}/${first.name}`;
  const found = [...objectConditions(snapshot, { routers: [ROUTER], use: undefined })].find((each) => each.key === key);
  return `${found && outcomeOf({ reason: found.reason, status: "Unknown" })} ${found?.reason}${found?.message ? `: ${found.message}` : ""}`;
}

const virtual = (spec: object, more: { created?: string } = {}, name = "vs"): Resource =>
  object("VirtualService", name, { hosts: ["reviews"], http: [{ route: [to("reviews")] }], ...spec }, more);
const to = (host: string, subset?: string): object => ({ destination: { host, ...(subset ? { subset } : {}) } });
const gateway = (selector: object): Resource => object("Gateway", "web", { selector, servers: [] });
const rule = (spec: object): Resource => object("DestinationRule", "dr", { host: "reviews", ...spec });
const FULL = "reviews.default.svc.cluster.local";
const OLD = { created: "2025-01-01T00:00:00Z" };
const second = (name: string, spec: object, more: object = {}): Resource =>
  object(
    "ServiceEntry",
    name,
    { hosts: ["a.example.com"], ports: [{ number: 80, name: "web", protocol: "HTTP" }], ...spec },
    more,
  );
const entry = (spec: object): Resource => second("se", spec);
const strict = (spec: object, name = "pa", more: object = {}): Resource =>
  object("PeerAuthentication", name, { mtls: { mode: "STRICT" }, ...spec }, more);
const policy = (trafficPolicy: object): Resource => rule({ trafficPolicy });
const http = (more: object, route: object = { route: [to("reviews")] }): Resource =>
  virtual({ http: [{ ...route, ...more }] });
const server = (more: object): Resource =>
  object("Gateway", "web", {
    selector: ROUTER,
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"], ...more }],
  });
const PARTLY = "attached PartlyResolved: ";
const machine = (spec: object): Resource =>
  object("WorkloadEntry", "vm", { address: "10.1.2.3", labels: { app: "vm" }, ...spec });
const rules = (spec: object = {}): Resource =>
  object("VirtualService", "rules", { http: [{ route: [to("reviews")] }], ...spec });
const root = (): Resource => virtual({ http: [{ match: [{ uri: { prefix: "/a" } }], delegate: { name: "rules" } }] });
const REDIRECT = { redirect: { uri: "/x" } };

/** Valid fields that have no effect. */
const UNSUPPORTED: [string, [Resource, ...Resource[]], string][] = [
  [
    "TLS routes behind a Gateway",
    [
      virtual({ gateways: ["web"], http: [], tls: [{ match: [{ sniHosts: [FULL] }], route: [to("reviews")] }] }),
      gateway(ROUTER),
    ],
    "attached Attached",
  ],
  [
    "TLS routes of the mesh",
    [virtual({ http: [], tls: [{ match: [{ sniHosts: [FULL] }], route: [to("reviews")] }] })],
    "attached Attached",
  ],
  [
    "TCP routes beside older ones for HTTP",
    [
      virtual({ http: [], tcp: [{ route: [to("reviews")] }] }, { created: "2026-02-01T00:00:00Z" }, "young"),
      virtual({}),
    ],
    "attached Attached",
  ],
  [
    "a mirror that is not there",
    [virtual({ http: [{ route: [to("reviews")], mirror: { host: "nobody" } }] })],
    `${PARTLY}spec.http[0].mirror.host: no service nobody.default.svc.cluster.local`,
  ],
  [
    "a subset that only another namespace defines",
    [
      virtual({ http: [{ route: [to("reviews", "v1")] }] }),
      object("DestinationRule", "dr", { host: FULL, subsets: [{ name: "v1" }] }, { namespace: "elsewhere" }),
    ],
    `${PARTLY}spec.http[0].route[0].destination.subset: no DestinationRule for ${FULL} defines the subset v1`,
  ],
  [
    "the source of connections to a Gateway",
    [
      virtual({ gateways: ["web"], tcp: [{ match: [{ sourceNamespace: "shop" }], route: [to("reviews")] }] }),
      gateway(ROUTER),
    ],
    `${PARTLY}spec.tcp[0].match[0].sourceNamespace: has no effect at a Gateway`,
  ],
  [
    "a WorkloadEntry that a ServiceEntry selects",
    [machine({}), entry({ resolution: "STATIC", workloadSelector: { labels: { app: "vm" } } })],
    "attached Attached: an endpoint of a.example.com",
  ],
  [
    "a WorkloadEntry that a Kubernetes service selects",
    [machine({ labels: { app: "reviews" } })],
    `attached Attached: an endpoint of ${FULL}`,
  ],
  [
    "a WorkloadEntry that nobody selects",
    [machine({ labels: { app: "other" } })],
    "ignored NotSelected: no service of its namespace selects its labels, or none that can reach its address",
  ],
  [
    "a template of workloads",
    [object("WorkloadGroup", "vms", { template: {} })],
    "attached Attached: workloads may register themselves",
  ],
  [
    "a delegate that nobody uses",
    [rules()],
    "ignored DelegateUnused: it has no hosts, and no VirtualService delegates to it",
  ],
  [
    "a delegate that may not be used",
    [rules({ exportTo: ["shop"] }), root()],
    "ignored DelegateUnused: it is not exported to default/vs, which delegates to it; correct spec.exportTo",
  ],
  ["a delegate that is used", [rules(), root()], "attached Attached: for default/vs"],
  [
    "a delegate's rule for what the root excludes",
    [rules({ http: [{ match: [{ uri: { prefix: "/b" } }], route: [to("nobody")] }] }), root()],
    `${PARTLY}for default/vs; spec.http[0].match: has no effect in spec.http[0] of default/vs, whose matches exclude it; each match must be narrower than one there, without regular expressions; spec.http[0].route[0].destination.host: no service nobody.default.svc.cluster.local`,
  ],
  [
    "delegates that are not there or not given",
    [
      virtual({ http: [{ delegate: { name: "gone", namespace: "shop" } }, { delegate: { name: "rules" } }] }),
      rules({ exportTo: ["shop"] }),
    ],
    `${PARTLY}spec.http[0].delegate: there is no VirtualService shop/gone without hosts; spec.http[1].delegate: default/rules is not exported to default`,
  ],
  [
    "a port whose name the service does not have",
    [virtual({ http: [{ route: [{ destination: { host: "reviews", port: { name: "none" } } }] }] })],
    `${PARTLY}spec.http[0].route[0].destination.port.name: ${FULL} has no port none`,
  ],
  [
    "a time-out of a redirect",
    [http({ timeout: "1s" }, REDIRECT)],
    `${PARTLY}spec.http[0].timeout: has no effect beside redirect`,
  ],
  [
    "a rewrite of a direct response",
    [http({ rewrite: { uri: "/" } }, { directResponse: { status: 404 } })],
    `${PARTLY}spec.http[0].rewrite: has no effect beside directResponse`,
  ],
  [
    "a percentage without mirror",
    [http({ mirrorPercent: 5 })],
    `${PARTLY}spec.http[0].mirrorPercent: has no effect without mirror`,
  ],
  [
    "a fault without percentage",
    [http({ fault: { delay: { fixedDelay: "1s" }, abort: { httpStatus: 500, percentage: { value: 0 } } } })],
    `${PARTLY}spec.http[0].fault.delay: hits no request without a percentage; spec.http[0].fault.abort: hits no request without a percentage`,
  ],
  [
    "a source beside gateways",
    [http({ match: [{ gateways: ["mesh"], sourceNamespace: "prod" }] })],
    `${PARTLY}spec.http[0].match[0].sourceNamespace: has no effect beside gateways`,
  ],
  [
    "the case of a regular expression",
    [http({ match: [{ uri: { regex: "/a" }, ignoreUriCase: true }] })],
    `${PARTLY}spec.http[0].match[0].ignoreUriCase: has no effect on a regex; begin it with (?i)`,
  ],
  [
    "warm-up with RANDOM, at a port",
    [
      policy({
        portLevelSettings: [{ port: { number: 9080 }, loadBalancer: { simple: "RANDOM", warmupDurationSecs: "9s" } }],
      }),
    ],
    `${PARTLY}spec.trafficPolicy.portLevelSettings[0].loadBalancer.warmupDurationSecs: has no effect with RANDOM`,
  ],
  ["TLS without mode", [policy({ tls: { sni: "x" } })], `${PARTLY}spec.trafficPolicy.tls: has no effect without mode`],
  [
    "a client certificate of SIMPLE, in a subset",
    [rule({ subsets: [{ name: "v1", trafficPolicy: { tls: { mode: "SIMPLE", privateKey: "/k" } } }] })],
    `${PARTLY}spec.subsets[0].trafficPolicy.tls.privateKey: has no effect with mode SIMPLE`,
  ],
  [
    "two protocols of servers",
    [policy({ connectionPool: { http: { useClientProtocol: true, h2UpgradePolicy: "UPGRADE" } } })],
    `${PARTLY}spec.trafficPolicy.connectionPool.http.h2UpgradePolicy: has no effect beside useClientProtocol`,
  ],
  [
    "two counts of errors",
    [policy({ outlierDetection: { consecutiveErrors: 1, consecutiveGatewayErrors: 2 } })],
    `${PARTLY}spec.trafficPolicy.outlierDetection.consecutiveErrors: has no effect beside consecutiveGatewayErrors`,
  ],
  [
    "a count of failures that are not distinguished",
    [policy({ outlierDetection: { consecutiveLocalOriginFailures: 1 } })],
    `${PARTLY}spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures: has no effect without splitExternalLocalOriginErrors`,
  ],
  [
    "a policy and a subset that an older rule has",
    [
      object(
        "DestinationRule",
        "young",
        { host: "reviews", trafficPolicy: { loadBalancer: { simple: "RANDOM" } }, subsets: [{ name: "v1" }] },
        { created: "2026-02-01T00:00:00Z" },
      ),
      rule({ subsets: [{ name: "v1" }], trafficPolicy: { loadBalancer: { simple: "RANDOM" } } }),
    ],
    `${PARTLY}spec.subsets[0]: the older default/dr defines v1; spec.trafficPolicy: that of the older default/dr holds for the host`,
  ],
  [
    "a policy, where the older rule has none",
    [
      object(
        "DestinationRule",
        "young",
        { host: "reviews", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } },
        { created: "2026-02-01T00:00:00Z" },
      ),
      rule({ subsets: [{ name: "v1" }] }),
    ],
    "attached Attached",
  ],
  [
    "a policy that is exported elsewhere than the older one",
    [
      object(
        "DestinationRule",
        "young",
        { host: "reviews", exportTo: ["*"], subsets: [{ name: "v1" }] },
        { created: "2026-02-01T00:00:00Z" },
      ),
      rule({ exportTo: ["shop", "."], subsets: [{ name: "v1" }] }),
    ],
    `${PARTLY}spec.exportTo: the older default/dr is exported elsewhere and holds alone where both are seen; export both alike to merge them`,
  ],
  [
    "a server that is not HTTP",
    [server({ port: { number: 443, name: "tls", protocol: "TLS" }, tls: { mode: "PASSTHROUGH" } })],
    "attached Attached: 1 proxy",
  ],
  [
    "a server's default endpoint",
    [server({ defaultEndpoint: "127.0.0.1:80" })],
    `${PARTLY}1 proxy; spec.servers[0].defaultEndpoint: has no effect at a Gateway, as in Istio; write a VirtualService`,
  ],
  [
    "a ServiceEntry that merges with an older one",
    [entry({ addresses: ["10.0.0.2"] }), second("older", { addresses: ["10.0.0.1"] }, OLD)],
    `${PARTLY}spec.addresses: that of the older ServiceEntry default/older holds for a.example.com`,
  ],
  [
    "a ServiceEntry that does not merge with an older one",
    [entry({ resolution: "DNS" }), second("older", {}, OLD)],
    `${PARTLY}spec.resolution: differs from that of the older ServiceEntry default/older, which has a.example.com alone; make them equal to merge both`,
  ],
  [
    "a ServiceEntry for a host of another namespace",
    [entry({}), second("older", {}, { ...OLD, namespace: "shop" })],
    `${PARTLY}spec.hosts: outside of default an older ServiceEntry of the namespace shop has a.example.com`,
  ],
  [
    "a ServiceEntry for a Kubernetes service's host",
    [entry({ hosts: [FULL], resolution: "STATIC" })],
    `${PARTLY}spec.ports: the Service default/reviews has no port named web; what is said of it has no effect`,
  ],
  ["a whole ServiceEntry", [entry({})], "attached Attached"],
  [
    "a ServiceEntry's UDP",
    [entry({ ports: [{ number: 53, name: "dns", protocol: "UDP" }] })],
    `${PARTLY}spec.ports[0]: UDP is not routed, as in Istio`,
  ],
  [
    "the network of a ServiceEntry's endpoint",
    [
      entry({
        addresses: ["10.1.0.0/16", "10.1.0.1/32"],
        resolution: "STATIC",
        endpoints: [{ address: "10.0.0.1", network: "n" }],
      }),
    ],
    "attached Attached",
  ],
  ["a PeerAuthentication", [strict({})], "attached Attached"],
  [
    "one for some workloads of the root namespace",
    [strict({ selector: { matchLabels: { app: "x" } } }, "pa", { namespace: "istio-system" })],
    `${PARTLY}spec.selector: in the root namespace istio-system an object with a selector has no effect`,
  ],
  [
    "one for the workloads of an older one",
    [strict({}, "young", { created: "2026-02-01T00:00:00Z" }), strict({})],
    `${PARTLY}spec: the older default/pa holds for the same workloads`,
  ],
];

describe("where an object takes effect", () => {
  for (const [name, objects, expected] of [
    ["a VirtualService whose parts are all there", [virtual({})], "attached Attached"],
    [
      "one with an unknown service",
      [virtual({ http: [{ route: [to("nobody")] }] })],
      "attached PartlyResolved: spec.http[0].route[0].destination.host: no service nobody.default.svc.cluster.local",
    ],
    [
      "one with an unknown subset",
      [virtual({ tcp: [{ route: [to("reviews", "v9")] }] })],
      `attached PartlyResolved: spec.tcp[0].route[0].destination.subset: no DestinationRule for ${FULL} defines the subset v9`,
    ],
    [
      "one with a known subset",
      [virtual({ http: [{ route: [to("reviews", "v1")] }] }), rule({ subsets: [{ name: "v1" }] })],
      "attached Attached",
    ],
    [
      "one for a Gateway that is not there",
      [virtual({ gateways: ["web"] })],
      "ignored GatewayNotFound: no Gateway default/web; create it or name another in spec.gateways",
    ],
    [
      "one for the mesh and a Gateway that is not there",
      [virtual({ gateways: ["mesh", "web"] })],
      "attached PartlyResolved: Gateway default/web does not exist",
    ],
    ["one for a Gateway that is there", [virtual({ gateways: ["web"] }), gateway(ROUTER)], "attached Attached"],
    [
      "one whose host an older one has",
      [virtual({}, { created: "2026-02-01T00:00:00Z" }, "young"), virtual({})],
      `attached PartlyResolved: host ${FULL} belongs to the older default/vs`,
    ],
    ["a DestinationRule for a service", [rule({})], "attached Attached"],
    ["one for a wildcard with a service", [rule({ host: "*.default.svc.cluster.local" })], "attached Attached"],
    [
      "one for no service",
      [rule({ host: "nobody" })],
      "ignored HostNotFound: spec.host: no service nobody.default.svc.cluster.local",
    ],
    [
      "one for a wildcard without service",
      [rule({ host: "*.example.com" })],
      "ignored HostNotFound: spec.host: no service *.example.com",
    ],
    ["a Gateway with proxies", [gateway(ROUTER)], "attached Attached: 1 proxy"],
    [
      "one without proxies",
      [gateway({ istio: "egress", zone: "a" })],
      "ignored NoProxySelected: no gateway proxy has the labels istio=egress, zone=a",
    ],
    ...UNSUPPORTED,
    ["one for every proxy", [gateway({})], "attached Attached: 1 proxy"],
  ] as const satisfies readonly (readonly [string, [Resource, ...Resource[]], string])[])
    it(name, () => assert.equal(said(objects), expected));
});
