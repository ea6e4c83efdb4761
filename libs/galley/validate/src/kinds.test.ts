import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { validateObject, violationsText } from "./validate.ts";

const NETWORKING = "networking.istio.io/v1alpha3";
const route = { destination: { host: "reviews" } };

/** What is wrong with an object of this kind and spec; empty when it is accepted. */
function faults(kind: string, spec: unknown, apiVersion = NETWORKING): string {
  const metadata = kind === "MeshConfig" ? { name: "mesh", namespace: "istio-system" } : { name: "x" };
  const result = validateObject({ value: { apiVersion, kind, metadata, spec } });
  return result.outcome === "rejected"
    ? violationsText(result.violations)
    : result.outcome === "accepted"
      ? ""
      : result.outcome;
}

const vs = (rule: Record<string, unknown>): unknown => ({ hosts: ["reviews"], http: [rule] });
const dr = (trafficPolicy: unknown): unknown => ({ host: "reviews", trafficPolicy });

/** What is wrong with the head of an object that is good otherwise. */
function headFaults(metadata: Record<string, unknown>): string {
  const result = validateObject({
    value: { apiVersion: NETWORKING, kind: "DestinationRule", metadata, spec: { host: "reviews" } },
  });
  return result.outcome === "rejected" ? violationsText(result.violations) : "";
}

describe("names", () => {
  it("are Kubernetes' subdomains, whose labels may be long, and namespaces are labels", () => {
    assert.equal(headFaults({ name: "n".repeat(80), namespace: "a-1" }), "");
    assert.equal(headFaults({ name: `${"n".repeat(250)}.ab` }), "");
    assert.match(headFaults({ name: "n".repeat(254) }), /metadata.name: .* at most 253/);
    for (const name of ["A", "a_b", ".a", "a..b", "-a"]) assert.match(headFaults({ name }), /no object name/);
    for (const namespace of ["a.b", "n".repeat(64), "A", ""])
      assert.match(headFaults({ name: "a", namespace }), /metadata.namespace: .* is no namespace: at most 63/);
  });
});

describe("annotations", () => {
  it("of Istio's own are refused, as its webhook does", () =>
    assert.match(
      headFaults({ name: "a", annotations: { "internal.istio.io/webhook-always-reject": "true" } }),
      /metadata\.annotations\S*internal\S*: is Istio's own/,
    ));
});

describe("objects that are accepted", () => {
  const good: [string, string, unknown, string?][] = [
    ["a plain route", "VirtualService", vs({ route: [route] })],
    [
      "weights that need not be 100",
      "VirtualService",
      vs({
        route: [
          { ...route, weight: 1 },
          { ...route, weight: 2 },
        ],
      }),
    ],
    [
      "protobuf's field names",
      "VirtualService",
      vs({ route: [route], retries: { attempts: 1, per_try_timeout: "1s", retry_on: "5xx,503" } }),
    ],
    ["a redirect", "VirtualService", vs({ redirect: { uri: "/x", redirectCode: 308 } })],
    ...["(?i)/a[[:alpha:]]\\pL+", "/(?i:abc)", "/\\Qa.b\\E", "/a(?i)b", "(?P<n>a)"].map(
      (regex): [string, string, unknown] => [
        `RE2's own: ${regex}`,
        "VirtualService",
        vs({ route: [route], match: [{ uri: { regex } }] }),
      ],
    ),
    ...["50%%", "%PROTOCOL% %REQ(a?b):5%", "%START_TIME(%Y-%s)%", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"].map(
      (value): [string, string, unknown] => [
        `a header's value ${value}`,
        "VirtualService",
        vs({ route: [route], headers: { request: { set: { x: value } } } }),
      ],
    ),
    ["another redirect", "VirtualService", vs({ redirect: { uri: "/x", redirectCode: 304 } })],
    [
      "names of headers, and others that are no tokens",
      "VirtualService",
      vs({
        route: [{ destination: { host: "a", subset: "v1" } }],
        match: [
          { headers: { ":method": { exact: "GET" }, "x-a": { exact: "b" } }, queryParams: { "a b": { exact: "c" } } },
        ],
      }),
    ],
    ["namespaces that see it", "DestinationRule", { host: "reviews", exportTo: [".", "prod"] }],
    [
      "several hosts that say who they are",
      "ServiceEntry",
      {
        hosts: ["a.example.com", "b.example.com"],
        ports: [{ number: 443, name: "tls", protocol: "TLS" }],
        resolution: "DNS",
      },
    ],
    ["a direct response", "VirtualService", vs({ directResponse: { status: 404 } })],
    ["a wildcard behind a gateway", "VirtualService", { hosts: ["*"], gateways: ["gw"], http: [{ route: [route] }] }],
    ["subsets", "DestinationRule", { host: "reviews", subsets: [{ name: "v1", labels: { version: "v1" } }] }],
    [
      "a DNS entry",
      "ServiceEntry",
      { hosts: ["a.example.com"], ports: [{ number: 443, name: "tls", protocol: "TLS" }], resolution: "DNS" },
    ],
    [
      "a plaintext gateway",
      "Gateway",
      { servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }] },
    ],
    ["STRICT", "PeerAuthentication", { mtls: { mode: "STRICT" } }, "security.istio.io/v1beta1"],
    [
      "a rule",
      "rule",
      { match: 'destination.labels["app"] == "ratings"', actions: [{ handler: "h", instances: ["i"] }] },
      "config.istio.io/v1alpha2",
    ],
  ];
  for (const [name, kind, spec, version] of good) it(name, () => assert.equal(faults(kind, spec, version), ""));
});

describe("objects that are refused, with field and reason", () => {
  const bad: [string, unknown, RegExp, string?][] = [
    ["VirtualService", vs({ rout: [] }), /^spec\.http\[0\]\.rout: unknown field; did you mean route\?/],
    ["VirtualService", { http: [] }, /spec\.hosts: is required/],
    [
      "VirtualService",
      vs({ route: [{ destination: { host: "a", port: { number: "80" } } }] }),
      /port\.number: must be a whole number from 1 to 65535, not "80"/,
    ],
    [
      "VirtualService",
      vs({ route: [route], redirect: { uri: "/" } }),
      /spec\.http\[0\]\.redirect: cannot be together with route/,
    ],
    ["VirtualService", vs({ match: [] }), /one of route, redirect and directResponse is needed/],
    ["VirtualService", vs({ route: [route, route] }), /the weights of 2 destinations are all 0/],
    ["VirtualService", vs({ route: [route], timeout: "99999999999999999999h" }), /timeout: must be at most 876000h/],
    [
      "VirtualService",
      vs({
        route: [
          {
            ...route,
            headers: { request: { set: { host: "a" }, add: { Host: "b", ":path": "b" }, remove: ["host"] } },
          },
        ],
      }),
      /^spec\.http\[0\]\.route\[0\]\.headers\.request\.add\[":path"\]: ":path" is no header [^;]*; \S*request\.remove\[0\]: "host" is no header[^;]*$/,
    ],
    ["VirtualService", vs({ route: [route], headers: { response: { set: { host: "a" } } } }), /response\.set\.host: /],
    [
      "VirtualService",
      vs({ route: [route], fault: { abort: { httpStatus: 500, grpcStatus: "OK" } } }),
      /abort\.grpcStatus: cannot be together with httpStatus/,
    ],
    ["VirtualService", vs({ redirect: { uri: "/x\r\ny" } }), /redirect\.uri: must not hold control characters/],
    [
      "VirtualService",
      vs({ route: [route], rewrite: { authority: "a\n" } }),
      /rewrite\.authority: must not hold control/,
    ],
    [
      "DestinationRule",
      dr({ connectionPool: { http: { maxConcurrentStreams: 0 } } }),
      /must be from 1 to 2147483647, not 0/,
    ],
    ["DestinationRule", dr({ tls: { mode: "SIMPLE", sni: "a".repeat(256) } }), /tls\.sni: is longer than 255 bytes/],
    ...["999.1.1.1", "1:2", "10.0.0", "fe80::1%eth0"].map((address): [string, unknown, RegExp] => [
      "ServiceEntry",
      { hosts: ["a.example.com"], resolution: "STATIC", endpoints: [{ address }] },
      /endpoints\[0\]\.address: ".*" is no IP address/,
    ]),
    ...["unix://", "unix://run/x", `unix:///${"a".repeat(107)}`].map((address): [string, unknown, RegExp] => [
      "ServiceEntry",
      { hosts: ["a.example.com"], resolution: "STATIC", endpoints: [{ address }] },
      /endpoints\[0\]\.address: unix:\/\/ needs an absolute path of at most 107 bytes/,
    ]),
    ...["10.0.0.0/33", "10.0.0.0/8/8", "10.0.0/8", "::1/129", "fe80::1%eth0", "", "a/8", "1.2.3.4/"].map(
      (subnet): [string, unknown, RegExp] => [
        "VirtualService",
        { hosts: ["mongo"], tcp: [{ match: [{ destinationSubnets: [subnet] }], route: [route] }] },
        /spec\.tcp\[0\]\.match\[0\]\.destinationSubnets\[0\]: ".*" is no address and no network/,
      ],
    ),
    ...["(?<n>a)\\k<n>", "[^]", "\\cA", "a{2000}", "\\u0041"].map((regex): [string, unknown, RegExp] => [
      "VirtualService",
      vs({ route: [route], match: [{ uri: { regex } }] }),
      /uri\.regex: is no regular expression of RE2/,
    ]),
    ...["50%", "%NOPE", "%NOPE%", "%REQ%", "%REQ()%", "%REQ(x%", "%PROTOCOL%%", "%PROTOCOL:3%", "%req(x)%"].map(
      (value): [string, unknown, RegExp] => [
        "VirtualService",
        vs({ route: [route], headers: { response: { add: { x: value } } } }),
        /headers\.response\.add\.x: .* is no command/,
      ],
    ),
    [
      "VirtualService",
      vs({ route: [route], rewrite: { authority: "a" }, headers: { request: { set: { ":authority": "b" } } } }),
      /headers\.request\.set\S*:authority\S*: the authority is set in another place/,
    ],
    [
      "VirtualService",
      vs({ directResponse: { status: 200 }, rewrite: { uri: "/" }, fault: { abort: { httpStatus: 500 } } }),
      /fault: cannot be together with directResponse; .*rewrite: cannot be together/,
    ],
    [
      "VirtualService",
      vs({ route: [route], fault: { abort: { httpStatus: 600 } } }),
      /must be from 200 to 599, not 600/,
    ],
    ["VirtualService", vs({ redirect: { uri: "/", redirectCode: 400 } }), /must be from 300 to 399, not 400/],
    [
      "VirtualService",
      vs({ route: [route], match: [{ headers: { "a b": { exact: "x" } } }] }),
      /match\[0\]\.headers\S*a b\S*: "a b" is no name of a header/,
    ],
    [
      "VirtualService",
      vs({ route: [{ destination: { host: "a", subset: "no name!" } }] }),
      /destination\.subset: "no name!" is no name of a subset/,
    ],
    ...[
      [["*", "a"], /exportTo: \* cannot be together/],
      [["a", "a"], /exportTo\[1\]: "a" is given twice/],
      [["B@d"], /exportTo\[0\]: "B@d" is no namespace/],
    ].map(([exportTo, message]): [string, unknown, RegExp] => [
      "VirtualService",
      { hosts: ["a"], exportTo, http: [{ route: [route] }] },
      message as RegExp,
    ]),
    [
      "ServiceEntry",
      {
        hosts: ["a.example.com", "b.example.com"],
        ports: [{ number: 80, name: "tcp", protocol: "TCP" }],
        resolution: "DNS",
      },
      /ports\[0\]\.protocol: TCP cannot tell 2 hosts apart/,
    ],
    ["VirtualService", vs({ route: [route], timeout: "soon" }), /spec\.http\[0\]\.timeout: "soon" is no duration/],
    [
      "VirtualService",
      vs({ route: [route], match: [{ uri: { exact: "/", prefix: "/" } }] }),
      /match\[0\]\.uri: give one of exact, prefix/,
    ],
    [
      "VirtualService",
      vs({ route: [route], match: [{ uri: { regex: "a(" } }] }),
      /uri\.regex: is no regular expression/,
    ],
    ["VirtualService", vs({ route: [route], match: [{ uri: { regex: "(?=a)" } }] }), /look-around or a back-reference/],
    [
      "VirtualService",
      vs({ route: [route], retries: { attempts: 1, retryOn: "sometimes" } }),
      /retries\.retryOn: "sometimes" is no retry condition/,
    ],
    ["VirtualService", vs({ route: [route], fault: { delay: {} } }), /fault\.delay\.fixedDelay: is required/],
    ["VirtualService", { hosts: ["*"], http: [{ route: [route] }] }, /the host \* needs a gateway/],
    [
      "DestinationRule",
      { host: "a", subsets: [{ name: "v1" }, { name: "v1" }] },
      /spec\.subsets\[1\]\.name: the subset "v1" is defined twice/,
    ],
    ["DestinationRule", dr({}), /spec\.trafficPolicy: must set something/],
    [
      "DestinationRule",
      dr({ loadBalancer: { simple: "FASTEST" } }),
      /simple: must be one of .*ROUND_ROBIN.*, not "FASTEST"/,
    ],
    ["DestinationRule", dr({ tls: { mode: "MUTUAL" } }), /mode MUTUAL needs clientCertificate and privateKey/],
    [
      "DestinationRule",
      dr({ loadBalancer: { consistentHash: { maglev: { tableSize: 10 }, useSourceIp: true } } }),
      /must be a prime number/,
    ],
    [
      "DestinationRule",
      dr({
        loadBalancer: { consistentHash: { ringHash: { minimumRingSize: 8_388_609 }, maglev: {}, useSourceIp: true } },
      }),
      /consistentHash\.ringHash: the ring must not be larger than 8388608, not 8388609; .*maglev: cannot be together with ringHash/,
    ],
    [
      "ServiceEntry",
      {
        hosts: ["a.example.com"],
        resolution: "STATIC",
        endpoints: [
          { address: "10.0.0.1", weight: 4_294_967_295 },
          { address: "10.0.0.2", weight: 1 },
        ],
      },
      /spec\.endpoints: the weights are too large together/,
    ],
    [
      "Gateway",
      { servers: [{ port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["a.example.com"] }] },
      /servers\[0\]\.tls: is required for protocol HTTPS/,
    ],
    [
      "Gateway",
      { servers: [{ port: { number: 80, name: "x", protocol: "CARRIER" }, hosts: ["*"] }] },
      /"CARRIER" is none of/,
    ],
    [
      "ServiceEntry",
      { hosts: ["a.example.com"], resolution: "STATIC", endpoints: [{ address: "b.example.com" }] },
      /is no IP address, which resolution STATIC needs/,
    ],
    [
      "ServiceEntry",
      {
        hosts: ["a.example.com"],
        ports: [
          { number: 1, name: "a" },
          { number: 1, name: "a" },
        ],
      },
      /port name "a" is used twice.*port 1 is given twice/,
    ],
    [
      "PeerAuthentication",
      { portLevelMtls: { "80": { mode: "STRICT" } } },
      /needs a selector/,
      "security.istio.io/v1beta1",
    ],
    [
      "PeerAuthentication",
      { mtls: { mode: "SOMETIMES" } },
      /must be one of UNSET, DISABLE, PERMISSIVE, STRICT/,
      "security.istio.io/v1beta1",
    ],
    [
      "rule",
      { match: "destination.nothing == 1", actions: [{ handler: "h", instances: ["i"] }] },
      /spec\.match: line 1, column 1: .*destination\.nothing/,
      "config.istio.io/v1alpha2",
    ],
    [
      "rule",
      { match: 'source.ip == ip("x")', actions: [{ handler: "h", instances: ["i"] }] },
      /spec\.match: line 1, column 14: "x" is no IP address/,
      "config.istio.io/v1alpha2",
    ],
    [
      "rule",
      { match: '"[".matches(request.path)', actions: [{ handler: "h", instances: ["i"] }] },
      /spec\.match: .*the regular expression "\[" is not valid/,
      "config.istio.io/v1alpha2",
    ],
    ["rule", { match: "true" }, /spec\.actions: must name at least one handler/, "config.istio.io/v1alpha2"],
    ["handler", {}, /spec\.compiledAdapter: is required/, "config.istio.io/v1alpha2"],
    ["Carriage", {}, /kind: there is no kind Carriage in networking\.istio\.io; known are VirtualService/],
    [
      "VirtualService",
      vs({ route: [route] }),
      /apiVersion: VirtualService has no version v9/,
      "networking.istio.io/v9",
    ],
  ];
  for (const [kind, spec, reason, version] of bad)
    it(`${kind}: ${reason.source}`, () => assert.match(faults(kind, spec, version), reason));
});

describe("the format of a JSON access log", () => {
  const said = (mesh: object): string => {
    const result = validateObject({
      value: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio" }, data: { mesh: JSON.stringify(mesh) } },
    });
    return result.outcome === "rejected" ? violationsText(result.violations) : result.outcome;
  };
  const refused: [string, RegExp][] = [
    ["[%START_TIME%] %PROTOCOL%\n", /^spec\.accessLogFormat: accessLogEncoding is JSON, and this is no JSON \(/],
    ['{"code":', /is no JSON \(.*\); write for example \{"code": "%RESPONSE_CODE%"\}/],
    ["[1]", /is no JSON object/],
    ["null", /is no JSON object/],
    ["7", /is no JSON object/],
    [`{"a":${"[".repeat(30)}${"]".repeat(30)}}`, /is nested deeper than 16 levels/],
  ];
  for (const [accessLogFormat, message] of refused) {
    it(`${accessLogFormat} is refused`, () =>
      assert.match(said({ accessLogEncoding: "JSON", accessLogFormat }), message));
    it(`${accessLogFormat} is a text as any other`, () => assert.equal(said({ accessLogFormat }), "accepted"));
  }
  for (const accessLogFormat of ["", '{"code":"%RESPONSE_CODE%","a":{"b":["%PROTOCOL%"]}}'])
    it(`"${accessLogFormat}" is accepted`, () =>
      assert.equal(said({ accessLogEncoding: "JSON", accessLogFormat }), "accepted"));
});

describe("the commands of an access log", () => {
  const said = (accessLogFormat: string): string => faults("MeshConfig", { accessLogFormat }, "mesh.xebec.io/v1");
  for (const text of ["100%", "%REQ(X", "%protocol%", "%PROTOCOL%%", "% PROTOCOL%"])
    it(`${text} is refused`, () =>
      assert.match(said(text), /^spec\.accessLogFormat: "%.*" is no command; write %COMMAND%/));
  for (const text of [
    "100%%",
    "%REQ(A):5%%PROTOCOL%%%",
    "%REQ(X?Y):10%|%START_TIME(%Y/%m/%dT%H:%M:%S%z)%",
    "%CEL(size(request.path))% %PROTOCOL%",
  ])
    it(`${text} is accepted`, () => assert.equal(said(text), ""));
});

it("leaves Kubernetes' own objects alone", () => {
  assert.equal(faults("Deployment", {}, "apps/v1"), "foreign");
});

it("never throws, whatever an object is", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("VirtualService", "DestinationRule", "Gateway", "ServiceEntry"),
      fc.jsonValue(),
      (kind, spec) => {
        validateObject({ value: { apiVersion: NETWORKING, kind, metadata: { name: "x" }, spec } });
      },
    ),
  );
});
