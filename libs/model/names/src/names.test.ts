import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { inboundCluster, outboundCluster, parseCluster, sniOf } from "./cluster.ts";
import { labelsMatch } from "./labels.ts";
import { localityOf } from "./locality.ts";
import { parseNodeId } from "./node-id.ts";
import { isHttp, protocolByName, protocolOfServicePort } from "./protocol.ts";
import { parseSpiffe, spiffeId, trustDomainOf } from "./spiffe.ts";

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const host = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."));
const port = fc.integer({ min: 1, max: 65_535 });

describe("the name of a cluster", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(port, fc.oneof(fc.constant(""), label), host, (number, subset, name) => {
        assert.deepEqual(parseCluster(outboundCluster(number, subset, name)), {
          ...{ direction: "outbound", port: number, subset, host: name },
        });
        assert.deepEqual(parseCluster(inboundCluster(number)), {
          ...{ direction: "inbound", port: number, subset: "", host: "" },
        });
      }),
    );
  });

  it("is Istio's", () => {
    assert.equal(outboundCluster(9080, "v1", "a.b"), "outbound|9080|v1|a.b");
    assert.equal(outboundCluster(9080, "", "*.b"), "outbound|9080||*.b");
    assert.equal(inboundCluster(80), "inbound|80||");
    assert.equal(sniOf(9080, "v1", "a.b"), "outbound_.9080_.v1_.a.b");
  });

  for (const text of [
    "",
    "BlackHoleCluster",
    "outbound|80|v1",
    "outbound|80|v1|a|b",
    "both|80||a",
    "outbound|x||a",
    "outbound|||a",
    "outbound|1e2||a",
    "outbound|-1||a",
    "outbound|65536||a",
  ])
    it(`is not "${text}"`, () => assert.equal(parseCluster(text), undefined));
});

describe("a SPIFFE id", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(host, label, label, (trustDomain, namespace, serviceAccount) => {
        const identity = { trustDomain, namespace, serviceAccount };
        assert.deepEqual(parseSpiffe(spiffeId(identity)), identity);
      }),
    );
  });

  for (const text of [
    ...["", "spiffe://td", "spiffe://td/ns/a", "spiffe://td/ns/a/sa/", "spiffe://td/ns//sa/b", "spiffe:///ns/a/sa/b"],
    ...["spiffe://td/sa/b/ns/a", "spiffe://td/ns/a/sa/b/c", "spiffe://td/ns/a/sa/b/", "SPIFFE://td/ns/a/sa/b"],
    ...["https://td/ns/a/sa/b", "xspiffe://td/ns/a/sa/b", "spiffe://td/ns/a/sa/b\n", "spiffe://td/ns/a/b/sa/c"],
  ])
    it(`of a workload is not ${JSON.stringify(text)}`, () => assert.equal(parseSpiffe(text), undefined));
});

describe("a node id", () => {
  const type = fc.constantFrom("sidecar", "router");
  it("is read as it was written", () => {
    fc.assert(
      fc.property(type, fc.ipV4(), label, label, host, (kind, ip, pod, namespace, domain) => {
        assert.deepEqual(parseNodeId(`${kind}~${ip}~${pod}.${namespace}~${domain}`), {
          ...{ type: kind, ip, pod, namespace, domain },
        });
      }),
    );
  });

  it("may have dots in the pod's name, and its namespace in the domain alone", () => {
    const { pod, namespace } = parseNodeId("sidecar~1.2.3.4~a.b.shop~x");
    assert.deepEqual([pod, namespace], ["a.b", "shop"]);
    assert.equal(parseNodeId("sidecar~1.2.3.4~vm~shop.svc.cluster.local").namespace, "shop");
  });

  for (const text of [
    "",
    "sidecar",
    "sidecar~~a.b~c",
    "sidecar~1.2.3.4~~c",
    "ingress~1.2.3.4~a.b~c",
    "sidecar~1.2.3.4~a.b",
    "sidecar~1.2.3.4~a.b~c~d",
  ])
    it(`is not "${text}"`, () => {
      assert.throws(() => parseNodeId(text), { code: "invalid_argument", message: /TYPE~IP~POD\.NAMESPACE~DOMAIN/ });
    });

  it("is quoted in part when it is long", () => {
    assert.throws(
      () => parseNodeId("x".repeat(10_000)),
      (error: Error) => error.message.length < 400,
    );
  });
});

describe("the protocol of a port", () => {
  for (const [name, expected, more] of [
    ["http", "HTTP"],
    ["HTTP-web", "HTTP"],
    ["http2-x", "HTTP2"],
    ["grpc", "GRPC"],
    ["grpc-web", "GRPC-Web"],
    ["grpc-web-x", "GRPC-Web"],
    ["grpc-website", "GRPC"],
    ["tcp-db", "TCP"],
    ["mongo", "Mongo"],
    ["udp-x", "Auto"],
    ["httpx", "Auto"],
    ["", "Auto"],
    ["constructor", "Auto"],
    ["", "TCP", { port: 3306 }],
    ["http", "HTTP", { port: 3306 }],
    ["http", "UDP", { protocol: "UDP" }],
    ["tcp", "HTTP", { appProtocol: "http" }],
    ["tcp", "HTTP2", { appProtocol: "kubernetes.io/h2c" }],
    ["http", "Auto", { appProtocol: "example.com/own" }],
    ["http", "Auto", { appProtocol: "toString" }],
  ] as const)
    it(`named "${name}" ${more ? JSON.stringify(more) : ""} is ${expected}`, () => {
      assert.equal(protocolOfServicePort({ name, port: 8000, ...more }), expected);
    });

  it("is found by its whole name in any case", () => {
    assert.deepEqual(["HTTP", "Grpc-Web", "tls", "http-a", "constructor", ""].map(protocolByName), [
      ...["HTTP", "GRPC-Web", "TLS", undefined, undefined, undefined],
    ]);
    const http = (["HTTP", "HTTP2", "GRPC", "GRPC-Web", "HTTPS", "TLS", "TCP", "Auto"] as const).filter(isHttp);
    assert.deepEqual(http, ["HTTP", "HTTP2", "GRPC", "GRPC-Web"]);
  });
});

describe("labels", () => {
  for (const [selector, labels, expected] of [
    [undefined, undefined, true],
    [{}, { a: "1" }, true],
    [{ a: "1" }, { a: "1", b: "2" }, true],
    [{ a: "1", b: "2" }, { a: "1" }, false],
    [{ a: "1" }, { a: "2" }, false],
    [{ a: "" }, {}, false],
    [{ a: "1" }, undefined, false],
    [{ constructor: "x" }, {}, false],
  ] as const)
    it(`${JSON.stringify(selector)} ${expected ? "select" : "do not select"} ${JSON.stringify(labels)}`, () => {
      assert.equal(labelsMatch(selector as Record<string, string> | undefined, labels), expected);
    });
});

describe("a locality", () => {
  for (const [text, region, zone, subZone] of [
    [undefined, "", "", ""],
    ["", "", "", ""],
    ["r", "r", "", ""],
    ["r/z/s", "r", "z", "s"],
    ["r/z/s/t", "r", "z", "s/t"],
  ] as const)
    it(`${text} has its parts`, () => assert.deepEqual(localityOf(text), { region, zone, subZone }));
});

describe("a trust domain", () => {
  for (const [text, domain] of [
    ["cluster.local", "cluster.local"],
    ["", "cluster.local"],
    ["me@example.com", "me.example.com"],
    ["Mesh_1-a", "Mesh_1-a"],
  ] as const)
    it(`"${text}" is ${domain}`, () => {
      assert.equal(trustDomainOf(text), domain);
      assert.equal(trustDomainOf(domain), domain, "once more");
      assert.equal(
        parseSpiffe(spiffeId({ trustDomain: domain, namespace: "a", serviceAccount: "b" }))?.trustDomain,
        domain,
      );
    });

  for (const text of ["a b", "a/b", "mesh\u0141", "a:b", "a,b", "spiffe://a", "a\n"])
    it(`${JSON.stringify(text)} is none`, () =>
      assert.throws(() => trustDomainOf(text), {
        code: "invalid_argument",
        message: /is not a trust domain: write letters/,
      }));
});
