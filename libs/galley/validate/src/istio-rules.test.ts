import assert from "node:assert/strict";
import { test } from "node:test";
import { validateObject, violationsText, violationText } from "./index.ts";

// Rules that Istio's webhook has, each from both sides. The objects are our own.

/** What is said of an object, with what is only warned of behind `W `. */
function said(kind: string, spec: unknown, name = "a"): string {
  const group = kind === "PeerAuthentication" ? "security.istio.io/v1" : "networking.istio.io/v1";
  const result = validateObject({ value: { apiVersion: group, kind, metadata: { name, namespace: "shop" }, spec } });
  if (result.outcome === "rejected") return violationsText(result.violations);
  return result.outcome === "accepted"
    ? result.warnings.map((each) => `W ${violationText(each)}`).join("; ")
    : "foreign";
}

const to = (host: string, more = {}): object => ({ route: [{ destination: { host, ...more } }] });
const http = (...rules: object[]): object => ({ hosts: ["cart"], http: rules });
const rule = (more: object): object => http({ ...to("cart"), ...more });
const policy = (trafficPolicy: object): object => ({ host: "cart", trafficPolicy });
const server = (more: object, port: object = {}): object => ({
  servers: [{ port: { number: 80, name: "web", protocol: "HTTP", ...port }, hosts: ["shop.example"], ...more }],
});
const tls = (settings: object): object => server({ tls: settings }, { number: 443, protocol: "HTTPS" });
const entry = (more: object): object => ({
  hosts: ["bank.example"],
  ports: [{ number: 443, name: "tls", protocol: "TLS" }],
  resolution: "STATIC",
  ...more,
});

/** `ok`: nothing is said; a pattern: it is refused, or warned of where the pattern begins with W. */
const RULES: readonly [string, unknown, RegExp | "ok"][] = [
  [
    "VirtualService",
    { ...http(to("cart")), hosts: ["*.shop.example", "*.example"], gateways: ["g"] },
    /hosts\[1\]: .* overlaps/,
  ],
  ["VirtualService", { ...http(to("cart")), hosts: ["*.a.example", "*.b.example"] }, "ok"],
  ["VirtualService", { ...http(to("cart")), hosts: ["cart_1"] }, /hosts\[0\]: .* no underscore/],
  ["VirtualService", { ...http(to("cart")), hosts: ["cart.example."] }, "ok"],
  ["VirtualService", { ...http(to("cart")), hosts: ["10.0.0.1"] }, "ok"],
  ["VirtualService", { ...http(to("cart")), hosts: ["a.*.example"] }, /only the first label may have a wildcard/],
  ["VirtualService", { ...http(to("cart")), hosts: ["http://cart"] }, /without scheme and port/],
  ["VirtualService", { ...http(to("cart")), gateways: ["a/b/c"] }, /gateways\[0\]: .* is no gateway/],
  ["VirtualService", { ...http(to("cart")), gateways: ["g.shop"] }, /^W spec\.gateways\[0\]: .* write shop\/g$/],
  ["VirtualService", { ...http(to("cart")), exportTo: [".", "shop"] }, /exportTo\[1\]: "shop" is given twice/],
  ["VirtualService", http(to("*")), /\* is no destination/],
  ["VirtualService", http(to("*-v1.shop.example")), "ok"],
  ["VirtualService", http(to("*cart")), "ok"],
  ["VirtualService", http(to("10.0.0.1")), /destination\.host: "10\.0\.0\.1" is no host name/],
  ["VirtualService", http(to("cart", { port: {} })), /destination\.port\.number: is required/],
  ["VirtualService", rule({ match: [{ uri: { prefix: "" } }] }), "ok"],
  ["VirtualService", rule({ match: [{ method: { prefix: "" } }] }), /method\.prefix: must not be empty/],
  [
    "VirtualService",
    rule({ match: [{ headers: { a: { regex: "*" } } }] }),
    /headers\.a\.regex: is no regular expression/,
  ],
  ["VirtualService", rule({ match: [{ withoutHeaders: { a: { regex: "*" } } }] }), "ok"],
  ["VirtualService", rule({ match: [{ sourceLabels: { "a b": "c" } }] }), /sourceLabels\["a b"\]: .* key of a label/],
  ["VirtualService", rule({ match: [{ sourceLabels: { "x.io/app": "v_1" } }] }), "ok"],
  ["VirtualService", rule({ match: [{ sourceNamespace: "a.b" }] }), /sourceNamespace: .* no namespace/],
  [
    "VirtualService",
    rule({ match: [{ headers: { "@request.auth.claims.sub": { exact: "x" } } }] }),
    /at a gateway only/,
  ],
  [
    "VirtualService",
    { ...rule({ match: [{ headers: { "@request.auth.claims[sub]": { exact: "x" } } }] }), gateways: ["g"] },
    "ok",
  ],
  ["VirtualService", rule({ timeout: "0s" }), /timeout: must be longer than 0/],
  ["VirtualService", rule({ timeout: "500us" }), /timeout: must be at least 1ms/],
  ["VirtualService", rule({ timeout: "1.0005s" }), /timeout: must be whole milliseconds/],
  ["VirtualService", rule({ timeout: "1.5s" }), "ok"],
  ["VirtualService", rule({ retries: { perTryTimeout: "1s" } }), /attempts: is not given, and so 0/],
  [
    "VirtualService",
    rule({ retries: { attempts: 1, retryOn: "5xx, reset" } }),
    /retryOn: " reset" is no retry condition/,
  ],
  ["VirtualService", rule({ retries: { attempts: 1, retryOn: "299" } }), /retryOn: "299"/],
  ["VirtualService", rule({ retries: { attempts: 1, retryOn: "5xx,503" } }), "ok"],
  ["VirtualService", rule({ rewrite: { uri: "" } }), /rewrite: one of uri/],
  ["VirtualService", rule({ rewrite: { uriRegexRewrite: { match: "", rewrite: "a" } } }), /match: must not be empty/],
  ["VirtualService", rule({ corsPolicy: { allowMethods: ["FETCH"] } }), /allowMethods\[0\]: "FETCH" is none of GET/],
  ["VirtualService", rule({ corsPolicy: { exposeHeaders: [""] } }), /exposeHeaders\[0\]/],
  ["VirtualService", rule({ corsPolicy: { allowHeaders: ["*"], allowMethods: ["*"] } }), "ok"],
  ["VirtualService", rule({ corsPolicy: { allowOrigins: [{}] } }), /allowOrigins\[0\]: one of exact/],
  ["VirtualService", rule({ corsPolicy: { maxAge: "1.5s" } }), /maxAge: must be whole seconds/],
  [
    "VirtualService",
    rule({ fault: { delay: { fixedDelay: "1s", percentage: { value: 0.00001 } } } }),
    /must be 0, or from 0\.0001/,
  ],
  ["VirtualService", rule({ mirror: { host: "cart" }, mirrorPercent: 5 }), /^W .*mirrorPercent: is deprecated/],
  ["VirtualService", http({ directResponse: { status: 200, body: { string: "x".repeat(110_000) } } }), /^W .*100 KiB/],
  [
    "VirtualService",
    http({ directResponse: { status: 200, body: { bytes: "eHh4".repeat(400_000) } } }),
    /not be larger than 1 MiB/,
  ],
  [
    "VirtualService",
    { hosts: ["a.example"], tls: [{ match: [{ sniHosts: ["10.0.0.1"] }], ...to("cart") }] },
    /^W .*TLS clients do not send/,
  ],
  [
    "VirtualService",
    { hosts: ["a.example"], tcp: [{ match: [{ gateways: ["a/"] }], ...to("cart") }] },
    /is no gateway/,
  ],
  ["DestinationRule", { host: "10.0.0.1" }, /host: .* is no host name/],
  [
    "DestinationRule",
    { host: "cart", subsets: [{ name: "v1", labels: { "-a": "b" } }] },
    /labels\["-a"\]: .* key of a label/,
  ],
  ["DestinationRule", { host: "cart", workloadSelector: {} }, /^W .*has no labels/],
  ["DestinationRule", { host: "cart", workloadSelector: { matchLabels: { app: "*" } } }, /no wildcards/],
  [
    "DestinationRule",
    { host: "cart", exportTo: ["bank"], workloadSelector: { matchLabels: { app: "a" } } },
    /own namespace only/,
  ],
  ["DestinationRule", { host: "cart", exportTo: ["."], workloadSelector: { matchLabels: { app: "a" } } }, "ok"],
  [
    "DestinationRule",
    policy({ portLevelSettings: [{ port: { number: 80 } }] }),
    /portLevelSettings\[0\]: must set something/,
  ],
  ["DestinationRule", policy({ connectionPool: { tcp: { connectTimeout: "2.0000005s" } } }), /whole milliseconds/],
  ["DestinationRule", policy({ connectionPool: { tcp: { idleTimeout: "0s" } } }), "ok"],
  ["DestinationRule", policy({ connectionPool: { http: { idleTimeout: "0s" } } }), /must be longer than 0/],
  ["DestinationRule", policy({ outlierDetection: { consecutiveErrors: 1 } }), /^W .*consecutiveErrors: is deprecated/],
  [
    "DestinationRule",
    policy({ loadBalancer: { consistentHash: { useSourceIp: true, minimumRingSize: 9 } } }),
    /^W .*minimumRingSize/,
  ],
  [
    "DestinationRule",
    policy({ loadBalancer: { consistentHash: { useSourceIp: true, maglev: {} } } }),
    /tableSize: is required/,
  ],
  ["Gateway", server({ hosts: ["~/shop.example"] }), /hosts\[0\]: "~" is no namespace/],
  ["Gateway", server({ hosts: ["*shop.example"] }), /wildcard for a part of a label/],
  ["Gateway", server({ hosts: ["*/shop.example", "./*.example", "*", "10.0.0.1"] }), "ok"],
  ["Gateway", server({ hosts: ["shop"] }), /must be a full name/],
  ["Gateway", server({ bind: "nowhere" }), /bind: "nowhere" is no IP address/],
  ["Gateway", server({ bind: "unix:///tmp/s" }), /bind: .* not served/],
  ["Gateway", server({ bind: "127.0.0.1" }), "ok"],
  ["Gateway", server({}, { targetPort: 8080 }), /targetPort: has no effect at a Gateway/],
  ["Gateway", server({ tls: { httpsRedirect: true } }), "ok"],
  ["Gateway", server({ tls: { serverCertificate: "/c" } }), /takes no TLS/],
  ["Gateway", server({ tls: {} }, { protocol: "TCP" }), /takes no TLS/],
  ["Gateway", tls({ mode: "SIMPLE", credentialName: "c", serverCertificate: "/c", privateKey: "/k" }), /not both/],
  ["Gateway", tls({ mode: "SIMPLE", credentialName: "c" }), "ok"],
  ["Gateway", tls({ mode: "PASSTHROUGH", credentialName: "c" }), /^W .*uses no certificates/],
  [
    "Gateway",
    tls({ mode: "SIMPLE", credentialName: "c", cipherSuites: ["AES128-SHA", "AES128-SHA", "X1"] }),
    /^W .*twice; W .*"X1" is no cipher/,
  ],
  ["Gateway", tls({ mode: "SIMPLE", credentialName: "c", minProtocolVersion: "TLSV1_0" }), /^W .*needs cipherSuites/],
  ["Gateway", tls({ mode: "SIMPLE", credentialName: "c", httpsRedirect: true }), /^W .*for servers of plain HTTP/],
  ["ServiceEntry", entry({ hosts: ["bank.example."] }), "ok"],
  ["ServiceEntry", entry({ hosts: ["*bank.example"] }), /^W .*a part of a label/],
  ["ServiceEntry", entry({ endpoints: [{ network: "n2" }] }), /^W .*gateway of the network n2/],
  ["ServiceEntry", entry({ endpoints: [{ labels: { app: "a" } }] }), /address: is required/],
  ["ServiceEntry", entry({ endpoints: [{ address: "10.0.0.1", labels: { "a/b/c": "d" } }] }), /key of a label/],
  [
    "ServiceEntry",
    entry({ endpoints: [{ address: "unix:///s", ports: { tls: 1 } }] }),
    /ports: a Unix socket has no ports/,
  ],
  ["ServiceEntry", entry({ endpoints: [{ address: "unix:///s/" }] }), /absolute path/],
  ["ServiceEntry", entry({ endpoints: [{ address: "unix://@s" }], ports: [] }), /exactly one port/],
  [
    "ServiceEntry",
    entry({ resolution: "NONE", ports: [{ number: 1, name: "a", protocol: "TCP" }] }),
    /^W .*TCP needs addresses/,
  ],
  [
    "ServiceEntry",
    entry({ resolution: "DNS", hosts: ["a.example", "b.example"], addresses: ["10.0.0.1"] }),
    /^W .*one ServiceEntry for each/,
  ],
  ["ServiceEntry", entry({ workloadSelector: {} }), /workloadSelector: is not served/],
  ["PeerAuthentication", { selector: { matchLabels: { app: "a*" } } }, /no wildcards/],
  ["PeerAuthentication", { selector: {} }, /^W .*has no labels/],
];
for (const [i, [kind, spec, expected]] of RULES.entries())
  test(`${kind} ${i}: ${expected}`, () => {
    if (expected === "ok") assert.equal(said(kind, spec), "");
    else assert.match(said(kind, spec), expected);
  });

test("an object is limited as Kubernetes limits it, and so is what its regular expressions become", () => {
  const told = (annotations: object): string => {
    const metadata = { name: "a", annotations };
    const object = { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata, spec: { host: "h" } };
    const result = validateObject({ value: object });
    return result.outcome === "rejected" ? violationsText(result.violations) : "";
  };
  assert.equal(told({ a: "x".repeat(200_000), b: "y".repeat(62_142) }), "");
  assert.match(
    told({ a: "x".repeat(200_000), b: "y".repeat(62_143) }),
    /^metadata\.annotations: have 262145 bytes together/,
  );
  const regexes = (repeat: string): object =>
    http(
      ...Array.from({ length: 200 }, (_, i) => ({
        match: [{ uri: { regex: `/${i}/[a-z]${repeat}` } }],
        ...to("cart"),
      })),
    );
  assert.equal(said("VirtualService", regexes("{1,100}")), "");
  assert.match(said("VirtualService", regexes("{1,1000}")), /regular expressions of this object too large together/);
});

test("an object has a limit of its own at the webhook, where no file is read", () => {
  const labels = (count: number): object => ({
    host: "h",
    subsets: [{ name: "a", labels: Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"])) }],
  });
  assert.equal(said("DestinationRule", labels(1_000)), "");
  assert.match(said("DestinationRule", labels(60_000)), /^spec: has more than 50000 fields and values; split it$/);
});

test("a Gateway's name has no dots", () =>
  assert.match(said("Gateway", server({}), "a.b"), /metadata\.name: .* of a Gateway/));

const prefix = (text: string, more: object = {}): object => ({
  match: [{ uri: { prefix: text }, ...more }],
  ...to("cart"),
});
const REACH: readonly [string, object, string][] = [
  ["rules in order", http(prefix("/a"), prefix("/b"), to("cart")), ""],
  ["two rules without a match", http(to("cart"), to("cart")), "http[1]"],
  ["a match behind a rule without one", http({ ...to("cart"), name: "all" }, prefix("/a")), "http[1]"],
  ["the same match twice", http(prefix("/a", { name: "x" }), prefix("/a", { name: "y" })), "http[1].match[0] http[1]"],
  [
    "the same match in another order of fields",
    http(prefix("/a", { port: 1 }), { match: [{ port: 1, uri: { prefix: "/a" } }], ...to("cart") }),
    "http[1].match[0] http[1]",
  ],
  [
    "one match of two is used",
    http(prefix("/a"), { match: [{ uri: { prefix: "/a" } }, { uri: { exact: "/b" } }], ...to("cart") }),
    "http[1].match[0]",
  ],
  ["a longer prefix behind a shorter one", http(prefix("/a"), prefix("/a/b")), "http[1].match[0]"],
  ["a shorter prefix behind a longer one", http(prefix("/a/b"), prefix("/a")), ""],
  ["a longer prefix with another port", http(prefix("/a"), prefix("/a/b", { port: 80 })), ""],
  ["a longer prefix with another method", http(prefix("/a"), prefix("/a/b", { method: { exact: "POST" } })), ""],
  ["a longer prefix with a header", http(prefix("/a"), prefix("/a/b", { headers: { x: { exact: "1" } } })), ""],
  [
    "the same headers",
    http(prefix("/a", { headers: { x: { exact: "1" } } }), prefix("/a/b", { headers: { x: { exact: "1" } } })),
    "http[1].match[0]",
  ],
  ["TCP without matches twice", { hosts: ["cart"], tcp: [to("cart"), to("cart")] }, "tcp[1]"],
];
for (const [name, spec, paths] of REACH)
  test(`what can never match is warned of: ${name}`, () => {
    const found = said("VirtualService", spec).split("; ").filter(Boolean);
    for (const each of found) assert.match(each, /^W .*is never used/);
    assert.equal(found.map((each) => /^W spec\.(\S+):/.exec(each)?.[1]).join(" "), paths);
  });

test("kinds, groups and versions that are nearly right, and those that Istio has, are told apart", () => {
  const told = (apiVersion: string, kind: string, more: object = {}): string => {
    const result = validateObject({
      value: { apiVersion, kind, metadata: { name: "a" }, spec: { host: "h" }, ...more },
    });
    return result.outcome === "rejected" ? violationsText(result.violations) : result.outcome;
  };
  for (const [apiVersion, kind, message] of [
    [
      "networking.istio.oi/v1",
      "DestinationRule",
      /no group networking\.istio\.oi; did you mean networking\.istio\.io\/v1\?/,
    ],
    ["networking.istio.io/v1beat1", "DestinationRule", /no version v1beat1; did you mean v1beta1\?/],
    [
      "networking.istio.io/v1",
      "DestinatonRule",
      /no kind DestinatonRule in networking\.istio\.io; did you mean DestinationRule\?/,
    ],
    ["networking.istio.io/v1", "Sidcar", /did you mean Sidecar\?/],
    [
      "networking.istio.io/v1alpha3",
      "Sidecar",
      /^kind: Sidecar of networking\.istio\.io is not served by this version$/,
    ],
    ["authentication.istio.io/v1alpha1", "Policy", /not served by this version; write a PeerAuthentication/],
    ["rbac.istio.io/v1alpha1", "ServiceRole", /not served/],
    ["config.istio.io/v1alpha2", "QuotaSpec", /not served/],
    ["install.istio.io/v1alpha1", "IstioOperator", /not served/],
    ["aps/v1", "Deployment", /did you mean apps\/v1\?/],
    ["apps/v1", "Deployment", /^foreign$/],
  ] as const)
    assert.match(told(apiVersion, kind), message);
  const head = (value: Record<string, unknown>): string => {
    const result = validateObject({ value });
    return result.outcome === "rejected" ? violationsText(result.violations) : result.outcome;
  };
  assert.match(head({ apiversion: "v1", kind: "Service" }), /apiVersion: is required; did you mean it by apiversion\?/);
  assert.match(
    told("networking.istio.io/v1", "DestinationRule", { sepc: {} }),
    /sepc: unknown field; did you mean spec\?/,
  );
  const metadata = { name: "a", anotations: {} };
  assert.match(
    told("networking.istio.io/v1", "DestinationRule", { metadata }),
    /anotations: unknown field; did you mean annotations\?/,
  );
});
