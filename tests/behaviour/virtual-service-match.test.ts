// What a VirtualService matches, and for whom it is.
import assert from "node:assert/strict";
import { type Case, describeCases, object, to, versions, virtualService } from "./lab/cases.ts";
import type { HttpCall } from "./lab/lab.ts";

/** Requests that match go to v2, all others to v1. */
const matching = (name: string, ...match: object[]): object[] => [
  versions(name),
  virtualService(name, { http: [{ match, route: [to(name, "v2")] }, { route: [to(name, "v1")] }] }),
];

type Request = Partial<HttpCall> & { path?: string };

/** @param yes requests that match, `no` such that do not */
const matchCase = (
  name: string,
  match: object | readonly object[],
  { yes, no }: { yes: readonly Request[]; no: readonly Request[] },
): Case => ({
  name,
  objects: (host) => matching(host, ...[match].flat()),
  async check({ call, host }) {
    for (const [version, list] of Object.entries({ v2: yes, v1: no }))
      for (const { path = "/", ...more } of list)
        assert.equal((await call(path, more)).by, `${host}-${version}`, JSON.stringify({ path, ...more }));
  },
});

const paths = (...list: string[]): Request[] => list.map((path) => ({ path }));
const header = (name: string, ...values: string[]): Request[] =>
  values.map((value) => ({ headers: { [name]: value } }));

/** A client of HTTP/2 says itself which scheme it means. */
const HTTPS: readonly Request[] = [{ version: "2", headers: { ":scheme": "https" } }];

const CASES: readonly Case[] = [
  matchCase("uri exact", { uri: { exact: "/a" } }, { yes: paths("/a", "/a?x=1"), no: paths("/a/", "/A", "/ab") }),
  matchCase("uri prefix", { uri: { prefix: "/a" } }, { yes: paths("/a", "/a/b", "/ab"), no: paths("/", "/A", "/b/a") }),
  matchCase(
    "uri regex",
    { uri: { regex: "/[ab]+" } },
    { yes: paths("/ab", "/a?x=/c"), no: paths("/", "/abc", "/x/ab") },
  ),
  matchCase(
    "ignoreUriCase",
    [
      { uri: { prefix: "/a" }, ignoreUriCase: true },
      { uri: { exact: "/b" }, ignoreUriCase: true },
    ],
    { yes: paths("/A", "/a/x", "/B"), no: paths("/c", "/B/") },
  ),
  matchCase("scheme exact", { scheme: { exact: "https" } }, { yes: HTTPS, no: paths("/") }),
  matchCase("scheme prefix", { scheme: { prefix: "https" } }, { yes: HTTPS, no: paths("/") }),
  matchCase("scheme regex", { scheme: { regex: "h.*s" } }, { yes: HTTPS, no: paths("/") }),
  matchCase("method exact", { method: { exact: "POST" } }, { yes: [{ method: "POST" }], no: [{}, { method: "PUT" }] }),
  matchCase("method prefix", { method: { prefix: "P" } }, { yes: [{ method: "POST" }, { method: "PUT" }], no: [{}] }),
  matchCase(
    "method regex",
    { method: { regex: "PUT|DELETE" } },
    { yes: [{ method: "PUT" }, { method: "DELETE" }], no: [{}, { method: "POST" }] },
  ),
  ...(["exact", "prefix", "regex"] as const).map(
    (way): Case => ({
      name: { exact: "authority exact", prefix: "authority prefix", regex: "authority regex" }[way],
      objects: (name) =>
        matching(name, {
          authority: { [way]: { exact: `${name}.default`, prefix: `${name}.default`, regex: `${name}\\.d.*` }[way] },
        }),
      async check({ call, host }) {
        assert.equal((await call("/", { headers: { host: `${host}.default` } })).by, `${host}-v2`);
        assert.equal((await call("/", { headers: { host } })).by, `${host}-v1`);
        const full = await call("/", { headers: { host: `${host}.default.svc` } });
        assert.equal(full.by, `${host}-${way === "exact" ? "v1" : "v2"}`);
      },
    }),
  ),
  matchCase(
    "headers exact",
    { headers: { "x-user": { exact: "jason" } } },
    { yes: header("x-user", "jason"), no: [{}, ...header("x-user", "jasons", "Jason")] },
  ),
  matchCase(
    "headers prefix",
    { headers: { "x-user": { prefix: "ja" } } },
    { yes: header("x-user", "jason", "ja"), no: [{}, ...header("x-user", "j", "sja")] },
  ),
  matchCase(
    "headers regex",
    { headers: { "x-user": { regex: "j.*n" } } },
    { yes: header("x-user", "jason", "jn"), no: [{}, ...header("x-user", "jasons")] },
  ),
  matchCase(
    "headers present",
    { headers: { "x-user": {} } },
    { yes: header("x-user", "jason", "x"), no: [{}, ...header("x-other", "jason")] },
  ),
  matchCase(
    "withoutHeaders exact",
    { withoutHeaders: { "x-user": { exact: "jason" } } },
    { yes: [{}, ...header("x-user", "ann")], no: header("x-user", "jason") },
  ),
  matchCase(
    "withoutHeaders prefix",
    { withoutHeaders: { "x-user": { prefix: "ja" } } },
    { yes: [{}, ...header("x-user", "ann")], no: header("x-user", "jason") },
  ),
  matchCase(
    "withoutHeaders regex",
    { withoutHeaders: { "x-user": { regex: "j.*" } } },
    { yes: [{}, ...header("x-user", "ann")], no: header("x-user", "jason") },
  ),
  matchCase(
    "withoutHeaders present",
    { withoutHeaders: { "x-user": {} } },
    { yes: [{}], no: header("x-user", "jason", "ann") },
  ),
  matchCase(
    "queryParams exact",
    { queryParams: { user: { exact: "jason" } } },
    { yes: paths("/?user=jason", "/?a=b&user=jason"), no: paths("/", "/?user=ann", "/?user=") },
  ),
  matchCase(
    "queryParams prefix",
    { queryParams: { user: { prefix: "ja" } } },
    { yes: paths("/?user=jason"), no: paths("/", "/?user=ann") },
  ),
  matchCase(
    "queryParams regex",
    { queryParams: { user: { regex: "j.*n" } } },
    { yes: paths("/?user=jason"), no: paths("/", "/?user=jasons") },
  ),
  matchCase(
    "queryParams present",
    { queryParams: { user: {} } },
    { yes: paths("/?user=jason", "/?user="), no: paths("/", "/?other=1") },
  ),
  matchCase(
    "all conditions of a match must hold, and one of several matches",
    [
      { uri: { prefix: "/a" }, method: { exact: "POST" }, headers: { "x-user": { exact: "jason" } } },
      { uri: { exact: "/b" } },
    ],
    {
      yes: [{ path: "/a", method: "POST", headers: { "x-user": "jason" } }, { path: "/b" }],
      no: [{ path: "/a", method: "POST" }, { path: "/a", headers: { "x-user": "jason" } }, { path: "/c" }],
    },
  ),
  {
    name: "the first rule that matches has the request",
    objects: (name) => [
      versions(name),
      virtualService(name, {
        http: [
          { match: [{ uri: { prefix: "/a" } }], route: [to(name, "v2")] },
          { match: [{ uri: { prefix: "/a/b" } }], route: [to(name, "v1")] },
          { route: [to(name, "v1")] },
        ],
      }),
    ],
    async check({ call, host }) {
      assert.equal((await call("/a/b")).by, `${host}-v2`);
      assert.equal((await call("/b")).by, `${host}-v1`);
    },
  },
  {
    name: "port",
    service: { ports: { http: 80, "http-alt": 8080 } },
    objects: (name) => matching(name, { port: 8080 }),
    async check({ call, lab, host }) {
      assert.equal((await call("/")).by, `${host}-v1`);
      assert.equal((await lab.http({ through: "client", url: `http://${host}:8080/` })).by, `${host}-v2`);
    },
  },
  {
    name: "sourceLabels",
    objects: (name) => matching(name, { sourceLabels: { app: "explicit" } }),
    async check({ call, host }) {
      assert.equal((await call("/")).by, `${host}-v1`);
      assert.equal((await call("/", { through: "explicit" })).by, `${host}-v2`);
    },
  },
  {
    name: "sourceNamespace",
    objects: (name) => [
      ...matching(name, { sourceNamespace: "prod" }),
      versions(`${name}-prod`, { host: `${name}.default.svc.cluster.local`, exportTo: ["*"] }),
    ],
    async check({ call, host }) {
      assert.equal((await call("/")).by, `${host}-v1`);
      assert.equal((await call("/", { through: "prod", headers: { host: `${host}.default` } })).by, `${host}-v2`);
    },
  },
  {
    name: "gateways",
    objects: (name) => [
      object("Gateway", name, {
        selector: { istio: "ingressgateway" },
        servers: [
          { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: [`${name}.default.svc.cluster.local`] },
        ],
      }),
      versions(name),
      virtualService(name, {
        gateways: ["mesh", name],
        http: [{ match: [{ gateways: [name] }], route: [to(name, "v2")] }, { route: [to(name, "v1")] }],
      }),
    ],
    async check({ call, host }) {
      assert.equal((await call("/")).by, `${host}-v1`);
      assert.equal((await call("/", { to: "gateway" })).by, `${host}-v2`);
    },
  },
  {
    name: "a VirtualService for a gateway alone is none for the mesh, and the other way round",
    objects: (name) => [
      object("Gateway", name, {
        selector: { istio: "ingressgateway" },
        servers: [
          {
            port: { number: 80, name: "http", protocol: "HTTP" },
            hosts: [`${name}.default.svc.cluster.local`, `${name}-mesh.example.com`],
          },
        ],
      }),
      versions(name),
      virtualService(name, { gateways: [name], http: [{ directResponse: { status: 418 } }] }),
      object("VirtualService", `${name}-mesh`, {
        hosts: [`${name}-mesh.example.com`],
        http: [{ directResponse: { status: 418 } }],
      }),
    ],
    async check({ call, host, lab }) {
      assert.equal((await call("/")).status, 200);
      assert.equal((await call("/", { to: "gateway" })).status, 418);
      const url = `http://${host}-mesh.example.com/`;
      assert.equal((await lab.http({ through: "client", url })).status, 418);
      assert.equal((await lab.http({ to: "gateway", url })).status, 404);
    },
  },
  {
    name: "hosts are short names, names with their namespace, wildcards, and names that no service has",
    objects: (name) => [
      object("VirtualService", name, {
        hosts: [name, `*.${name}.example.com`, `${name}.example.org`],
        http: [{ directResponse: { status: 418 } }],
      }),
    ],
    async check({ call, host }) {
      for (const each of [
        ...[host, `${host}.default`, `${host}.default.svc.cluster.local`],
        ...[`a.${host}.example.com`, `a.b.${host}.example.com`, `${host}.example.org`],
      ])
        assert.equal((await call("/", { headers: { host: each } })).status, 418, each);
    },
  },
  {
    name: "exportTo says which namespaces a VirtualService is for",
    objects: (name) => [virtualService(name, { exportTo: ["."], http: [{ directResponse: { status: 418 } }] })],
    async check({ call, host }) {
      assert.equal((await call("/")).status, 418);
      assert.equal((await call("/", { through: "prod", headers: { host: `${host}.default` } })).status, 200);
    },
  },
  {
    name: "statPrefix counts the requests of a match by themselves",
    objects: (name) => [
      virtualService(name, { http: [{ match: [{ statPrefix: `${name}stat` }], route: [to(name)] }] }),
    ],
    async check({ call, host, lab }) {
      await call("/");
      const stats = (await lab.envoys.get("client")?.admin(`/stats?filter=${host}stat`)) ?? "";
      assert.match(stats, /upstream_rq_200: 1/);
    },
  },
  {
    name: "the names of a rule and of its match are the name of the route",
    objects: (name) => [
      virtualService(name, {
        http: [{ name: `${name}-rule`, match: [{ name: "part", uri: { prefix: "/a" } }], route: [to(name)] }],
      }),
    ],
    async check({ host, lab }) {
      const dump = (await lab.envoys.get("client")?.admin("/config_dump?resource=dynamic_route_configs")) ?? "";
      assert.ok(dump.includes(`"${host}-rule.part"`));
    },
  },
];

describeCases("a VirtualService's matches", "match", CASES, {
  proxies: { prod: { kind: "captured", ip: "10.1.0.10", namespace: "prod", labels: { app: "prod" } } },
});
