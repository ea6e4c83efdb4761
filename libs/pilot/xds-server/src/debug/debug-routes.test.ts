import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { httpStatus, XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import type { Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import fastify from "fastify";
import { XdsServer } from "../server/xds-server.ts";
import { DeltaClient } from "../test-client.testkit.ts";
import { debugRoutes } from "./debug-routes.ts";

const OWN = "127.20.0.4";
const NOBODY = { connections: new Set(), generator: undefined } as unknown as XdsServer;

function pilot(isReady = true, server: XdsServer = NOBODY) {
  const app = fastify();
  app.setErrorHandler((thrown, _request, reply) => {
    const { code, message } = XebecError.from(thrown);
    return reply.status(httpStatus(code)).send({ code, message });
  });
  app.addHook("onRequest", async ({ raw }) => void Object.assign(raw.socket, { localAddress: OWN }));
  debugRoutes(app, server, () => isReady);
  // Requests from anywhere, which no socket of a test could send.
  return async (url: string, remoteAddress: string, headers: object = {}): Promise<[number, string]> => {
    const { statusCode, body } = await app.inject({
      ...{ url, remoteAddress },
      headers: { host: OWN, ...headers },
    });
    return [statusCode, body];
  };
}

const PAGES = [
  "",
  "/syncz",
  "/adsz",
  "/endpointz",
  "/endpointz?brief",
  "/registryz",
  "/config_dump?proxyID=a.b",
  "/edsz",
  "/objectz?object=a/b/c/d",
];

describe("the debug pages", () => {
  // 127.20.1.10 is a pod of the laptop platform: its proxy calls from there.
  for (const remote of ["10.0.0.1", "192.0.2.1", "::ffff:10.0.0.1", "fe80::1", "127.20.1.10", "::ffff:127.20.2.3"])
    for (const page of PAGES)
      for (const root of ["/debug", "/%64ebug", "/deb%75g"])
        it(`${root}${page} is refused to ${remote}`, async () => {
          const [status, body] = await pilot()(`${root}${page}`, remote);
          assert.deepEqual([status, JSON.parse(body).code], [403, "permission_denied"]);
        });

  for (const local of ["127.0.0.1", "127.20.0.4", "::1", "::ffff:127.0.0.1"])
    it(`are there for ${local}`, async () => {
      assert.equal((await pilot()("/debug", local))[0], 200);
      assert.deepEqual(await pilot()("/debug/registryz", local), [200, "[]"]);
    });

  for (const [who, headers, isRefused] of [
    ["a name that leads here", { host: "rebinding.example:8080" }, true],
    ["a name that looks like an address", { host: "127.0.0.1.example" }, true],
    ["a proxy", { host: "127.20.0.4:8080", "x-envoy-expected-rq-timeout-ms": "15000" }, true],
    ["a proxy on its way from elsewhere", { host: "127.20.0.4", "x-forwarded-for": "127.0.0.1" }, true],
    ["another proxy", { host: "127.20.0.4", via: "1.1 x" }, true],
    ["another web page", { host: "127.20.0.4", "sec-fetch-site": "cross-site" }, true],
    ["curl", { host: "127.20.0.4:8080" }, false],
    ["curl over IPv6", { host: "[::1]:8080" }, false],
    ["a port-forward", { host: "localhost:8080" }, false],
    ["a browser's address line", { host: "localhost", "sec-fetch-site": "none" }, false],
  ] as const)
    it(`are ${isRefused ? "refused to" : "there for"} ${who}`, async () => {
      const [status, body] = await pilot()("/debug/registryz", "127.0.0.1", headers);
      assert.equal(status, isRefused ? 403 : 200, body);
    });

  it("say what is missing in a request", async () => {
    const [status, body] = await pilot()("/debug/config_dump", "127.0.0.1");
    assert.equal(status, 400);
    assert.match(body, /proxyID=POD\.NAMESPACE/);
    assert.equal((await pilot()("/debug/config_dump?proxyID=a.b", "127.0.0.1"))[0], 404);
  });

  it("leave readiness for everybody", async () => {
    assert.deepEqual(await pilot()("/ready", "10.0.0.1"), [200, ""]);
    assert.deepEqual(await pilot(false)("/ready", "10.0.0.1"), [503, "not ready\n"]);
  });

  it("show endpoints where they are asked for", async () => {
    const server = new XdsServer({ metrics: createMetrics() });
    const CLUSTER = "outbound|80||a.example.com";
    const { snapshot, changed } = new MeshBuilder().apply({});
    await server.update({ snapshot, changed });
    const get = async (page: string): Promise<string> => (await pilot(true, server)(`/debug/${page}`, "127.0.0.1"))[1];
    const dump = "config_dump?proxyID=app-1.default";
    const client = new DeltaClient(server);
    client.send("cluster");
    assert.match(await get("edsz"), /no proxy watches endpoints/);
    client.send("endpoint", { subscribe: [CLUSTER] });
    assert.match(await get(dump), /ClustersConfigDump/);
    assert.doesNotMatch(await get(dump), /EndpointsConfigDump/);
    for (const page of [`${dump}&include_eds`, `${dump}&types=EDS`])
      assert.match(await get(page), /EndpointsConfigDump/);
    assert.doesNotMatch(await get(`${dump}&types=EDS`), /ClustersConfigDump/);
    for (const page of ["edsz", "edsz?proxyID=app-1.default"])
      assert.deepEqual(
        JSON.parse(await get(page)).map((each: { cluster_name: string }) => each.cluster_name),
        [CLUSTER],
      );
    assert.match(await get("edsz?proxyID=no.body"), /no proxy no\.body/);
    assert.equal(JSON.parse(await get("syncz"))[0].cluster_id, "Kubernetes");
  });

  it("show the resources that came from an object, by their parts", async () => {
    const server = new XdsServer({ metrics: createMetrics() });
    const object = (kind: string, name: string, spec: object): Resource => ({
      ...{ group: "networking.istio.io", version: "v1", kind, namespace: "default", name, spec },
    });
    const entry = object("ServiceEntry", "a", {
      hosts: ["a.example.com"],
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    });
    const rule = object("VirtualService", "a", {
      hosts: ["a.example.com"],
      http: [{ name: "all", route: [{ destination: { host: "a.example.com" } }] }],
    });
    const { snapshot, changed } = new MeshBuilder().apply({ config: { puts: [entry, rule], deletes: [] } });
    await server.update({ snapshot, changed });
    const client = new DeltaClient(server);
    client.send("cluster");
    for (const { response } of client.take()) client.send("cluster", { nonce: response.nonce });
    client.send("route", { subscribe: ["80"] });
    const get = async (key: string) =>
      JSON.parse((await pilot(true, server)(`/debug/objectz?object=${key}`, "127.0.0.1"))[1]);
    const ofEntry = await get("networking.istio.io/ServiceEntry/default/a");
    assert.deepEqual(
      ofEntry[0].resources.find(({ type }: { type: string }) => type === "cluster").name,
      "outbound|80||a.example.com",
    );
    assert.deepEqual(await get("networking.istio.io/VirtualService/default/a"), [
      {
        proxy: "app-1.default",
        resources: [{ type: "route", name: "80", parts: ["virtualHost a.example.com:80, route all"] }],
      },
    ]);
    assert.deepEqual(await get("networking.istio.io/VirtualService/default/b"), []);
  });
});
