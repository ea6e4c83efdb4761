import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Service } from "../api/types.ts";
import { parseQuery, response, TYPE } from "./message.ts";
import { type DnsSource, lookUp } from "./records.ts";

const meta = (name: string) => ({ name, namespace: "ns", uid: name, resourceVersion: "1" });
const services: Readonly<Record<string, Service>> = {
  web: { metadata: meta("web"), spec: { clusterIP: "10.96.0.7", ports: [{ name: "http", port: 80 }] } },
  db: { metadata: meta("db"), spec: { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] } },
  out: { metadata: meta("out"), spec: { type: "ExternalName", externalName: "example.com" } },
};
const slice: EndpointSlice = {
  metadata: meta("db-1"),
  addressType: "IPv4",
  endpoints: [
    { addresses: ["10.244.0.2"], hostname: "db-0" },
    { addresses: ["10.244.0.3"], conditions: { ready: false } },
  ],
  ports: [{ name: "sql", port: 5432 }],
};
const source: DnsSource = {
  domain: "cluster.local",
  service: (namespace, name) => (namespace === "ns" ? services[name] : undefined),
  slices: (_, name) => (name === "db" ? [slice] : []),
  serviceOf: (ip) => (ip === "10.96.0.7" ? services.web : undefined),
  podOf: () => undefined,
};
const ask = (name: string, type: number = TYPE.A) => lookUp(name, type, source);

test("names of the DNS specification of Kubernetes", () => {
  assert.deepEqual(ask("web.ns.svc.cluster.local"), [
    { name: "web.ns.svc.cluster.local", type: TYPE.A, address: "10.96.0.7" },
  ]);
  assert.deepEqual(
    ask("db.ns.svc.cluster.local")?.map((each) => "address" in each && each.address),
    ["10.244.0.2"],
  );
  assert.equal(ask("db-0.db.ns.svc.cluster.local")?.length, 1);
  assert.deepEqual(ask("_http._tcp.web.ns.svc.cluster.local", TYPE.SRV), [
    { name: "_http._tcp.web.ns.svc.cluster.local", type: TYPE.SRV, port: 80, target: "web.ns.svc.cluster.local" },
  ]);
  assert.deepEqual(ask("out.ns.svc.cluster.local"), [
    { name: "out.ns.svc.cluster.local", type: TYPE.CNAME, target: "example.com" },
  ]);
  assert.deepEqual(ask("7.0.96.10.in-addr.arpa", TYPE.PTR), [
    { name: "7.0.96.10.in-addr.arpa", type: TYPE.PTR, target: "web.ns.svc.cluster.local" },
  ]);
  assert.equal(ask("10-244-0-9.ns.pod.cluster.local")?.length, 1);
});

test("a name that is none, and one without a record of the type", () => {
  for (const name of [
    "no.ns.svc.cluster.local",
    "web.other.svc.cluster.local",
    "example.com",
    "x.web.ns.svc.cluster.local",
  ])
    assert.equal(ask(name), undefined, name);
  assert.deepEqual(ask("web.ns.svc.cluster.local", TYPE.AAAA), []);
});

test("an answer that is too large for UDP is cut and says so", () => {
  const name = "\x03web\x00";
  const query = Buffer.concat([
    Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    Buffer.from(name),
    Buffer.from([0, 1, 0, 1]),
  ]);
  const question = parseQuery(query);
  assert.ok(question);
  assert.equal(question.name, "web");
  const answers = Array.from({ length: 100 }, () => ({ name: "web", type: TYPE.A, address: "10.0.0.1" }) as const);
  const short = response(question, 0, answers, 512);
  assert.ok(short.length <= 512);
  assert.equal(short.readUInt16BE(2) & 0x0200, 0x0200);
  assert.equal(response(question, 0, answers, 65_535).readUInt16BE(6), 100);
  assert.equal(parseQuery(Buffer.from("too short")), undefined);
});
