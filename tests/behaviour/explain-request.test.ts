import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { explainRequest, type ProxyView, type RequestToExplain } from "@xebec/pilot-explain";
import { identityOf, readConfigDump } from "@xebec/pilot-proxy-config";
import fc from "fast-check";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { wasmModule } from "./lab/wasm.ts";

const HOSTS = 8;
const REQUESTS = 25;
const PATHS = [
  "/",
  "/a",
  "/a/b",
  "/A/b",
  "/a/b/",
  "/ab",
  "/x/1",
  "/x/22?q=1",
  "/a?q=1&r=2",
  "/a?r=",
  "//a",
  "/a/../x/1",
];
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { "x-user": "jason" },
  { "x-user": "JASON" },
  { "x-user": "" },
  { "x-user": "jason,anna" },
  { "x-n": "5" },
];

const stringMatch = fc.oneof(
  fc.constantFrom("jason", "JASON", "1", "").map((exact) => ({ exact })),
  fc.constantFrom("ja", "J", "5").map((prefix) => ({ prefix })),
  fc.constantFrom("ja.*", "[0-9]+", ".*").map((regex) => ({ regex })),
);
const uri = fc.oneof(
  fc.constantFrom("/", "/a", "/a/", "/x").map((prefix) => ({ prefix })),
  fc.constantFrom("/a", "/a/b", "/x/1").map((exact) => ({ exact })),
  fc.constantFrom("/x/[0-9]+", "/a.*").map((regex) => ({ regex })),
);
const match = fc.record(
  {
    uri,
    ignoreUriCase: fc.boolean(),
    method: fc.constantFrom("GET", "POST").map((exact) => ({ exact })),
    headers: stringMatch.map((each) => ({ "x-user": each })),
    withoutHeaders: stringMatch.map((each) => ({ "x-user": each })),
    queryParams: stringMatch.map((each) => ({ q: each })),
  },
  { requiredKeys: [] },
);
const action = (name: string) =>
  fc.oneof(
    fc.constantFrom("v1", "v2").map((subset) => ({ route: [{ destination: { host: name, subset } }] })),
    fc.constantFrom(418, 503).map((status) => ({ directResponse: { status } })),
    fc.constantFrom(0, 100).map((value) => ({
      route: [{ destination: { host: name, subset: "v1" } }],
      fault: { abort: { httpStatus: 555, percentage: { value } } },
    })),
    fc.constantFrom(301, 302, 307).map((redirectCode) => ({ redirect: { uri: "/moved", redirectCode } })),
  );
const rules = (name: string) =>
  fc.array(
    fc.tuple(fc.array(match, { maxLength: 2 }), action(name)).map(([matches, act]) => ({
      ...(matches.length > 0 ? { match: matches } : {}),
      ...act,
    })),
    { minLength: 1, maxLength: 4 },
  );
const request = fc.record({
  method: fc.constantFrom("GET", "POST"),
  path: fc.constantFrom(...PATHS),
  headers: fc.constantFrom(...HEADERS),
});

const object = (kind: string, name: string, spec: object) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind, metadata: { name, namespace: "default" }, spec },
});

describe("an explained request goes the way that real proxies take", () => {
  const names = Array.from({ length: HOSTS }, (_, i) => `explained-${i}`);
  const services = names.map((name) => host(name));
  const seed = 20_261_129;
  let lab: Lab;
  let client: ProxyView;
  before(async () => {
    const objects = names.flatMap((name, i) => [
      object("DestinationRule", name, {
        host: name,
        subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
      }),
      object("VirtualService", name, {
        hosts: [name],
        http: fc.sample(rules(name), { seed: seed + i, numRuns: 1 })[0],
      }),
    ]);
    lab = await openLab({ proxies: { client: { kind: "explicit", ip: "127.20.1.1" } }, services, objects });
    const text = await lab.envoys.get("client")?.admin("/config_dump?include_eds");
    client = { name: "client.default", dump: readConfigDump(text ?? ""), identity: "", address: "127.20.1.1" };
  });
  after(() => lab?.close());

  for (const [i, name] of names.entries())
    it(`for ${REQUESTS} requests by the rules of ${name}`, async () => {
      for (const each of fc.sample(request, { seed: seed - i, numRuns: REQUESTS })) {
        const asked: RequestToExplain = { ...each, host: name, port: 80 };
        const expected = await explainRequest(client, asked, async () => undefined);
        const answer = await lab.http({
          ...{ through: "client", url: `http://${name}/`, path: each.path },
          ...{ method: each.method, headers: each.headers },
        });
        const way = JSON.stringify({ asked, expected });
        if (expected.status !== undefined) assert.equal(answer.status, expected.status, way);
        else assert.deepEqual([answer.status, answer.by], [200, nameOf(expected.clusters[0]?.name)], way);
      }
    });

  /** The server behind `outbound|80|v1|explained-0.default.svc.cluster.local`. */
  function nameOf(cluster = ""): string {
    const [, , subset, full = ""] = cluster.split("|");
    return `${full.split(".")[0]}-${subset}`;
  }
});

describe("an explained request meets plugins, and hosts that are looked up when they are called,", () => {
  const AT = "127.20.1.5";
  const plugin = (name: string, spec: object) => ({
    ...{ apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", metadata: { name, namespace: "default" } },
    spec: { selector: { matchLabels: { app: "caller" } }, url: "https://nobody.example/m.wasm", ...spec },
  });
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: AT, labels: { app: "caller" } } },
      services: [host("plain")],
      upstreams: [{ name: "looked-up", at: "10.49.7.1:80" }],
      objects: [
        object("ServiceEntry", "wild", {
          hosts: ["*.wild.example.com"],
          ports: [{ number: 80, name: "http", protocol: "HTTP" }],
          resolution: "DYNAMIC_DNS",
        }),
      ],
    });
    await lab.name("a.wild.example.com", ["10.49.7.1"]);
  });
  after(() => lab?.close());

  /** What is explained, and what really happens. */
  async function both(name: string) {
    const text = (await lab.envoys.get("client")?.admin("/config_dump?include_eds")) ?? "";
    const client: ProxyView = { name: "client", dump: readConfigDump(text), identity: "", address: AT };
    const asked = { method: "GET", path: "/", headers: {}, host: name, port: 80 };
    const explained = await explainRequest(client, asked, async () => undefined);
    const { status, by } = await lab.http({ through: "client", url: `http://${name}/` });
    const notes = explained.steps.map((each) => `${each.name} ${each.detail}`).join("\n");
    return { explained: explained.status ?? 200, real: status, by, notes, reason: explained.reason };
  }

  it("DYNAMIC_DNS", async () => {
    const { explained, real, by, notes, reason } = await both("a.wild.example.com");
    assert.deepEqual([explained, real, by], [200, 200, "looked-up"]);
    assert.match(notes, /a\.wild\.example\.com:80, looked up in DNS when it is called/);
    assert.match(reason, /leaves the mesh to a\.wild\.example\.com:80/);
  });

  it("destinations that nobody knows", async () => {
    const { notes, reason } = await both("nobody.example.com");
    assert.match(`${notes} ${reason}`, /PassthroughCluster.*leaves the mesh to where the client wanted to go/s);
  });

  for (const [failStrategy, status, note] of [
    ["FAIL_CLOSE", 403, /WasmPlugin default\/p its module cannot be had: every request is refused/],
    ["FAIL_OPEN", 200, /WasmPlugin default\/p its module cannot be had: requests pass without it/],
  ] as const)
    it(`a plugin without its module, ${failStrategy}`, () =>
      lab.during([plugin("p", { failStrategy })], async () => {
        const { explained, real, notes } = await both("plain");
        assert.deepEqual([explained, real], [status, status]);
        assert.match(notes, note);
      }));

  it("a plugin with its module", async () => {
    writeFileSync(lab.folder.file("m.wasm"), wasmModule({ header: ["x-a", "b"] }));
    await lab.during([plugin("p", { url: `file://${lab.folder.file("m.wasm")}` })], async () => {
      const { explained, real, notes } = await both("plain");
      assert.deepEqual([explained, real], [200, 200]);
      assert.match(notes, /WasmPlugin default\/p its module may change or answer the request; not evaluated/);
    });
  });
});

const SERVERS = 3;
const paths = fc.subarray(["/", "/a", "/a/*", "*/b", "/x/{*}", "/{**}/b", "/A"], { minLength: 1, maxLength: 2 });
const source = fc.oneof(
  fc
    .constantFrom("cluster.local/ns/default/sa/caller", "cluster.local/ns/default/sa/*", "*/sa/nobody")
    .map((each) => ({ principals: [each] })),
  fc.constantFrom("default", "other").map((each) => ({ namespaces: [each] })),
  fc.constantFrom("127.20.0.0/16", "10.0.0.0/8").map((each) => ({ notIpBlocks: [each] })),
);
const operation = fc.oneof(
  paths.map((each) => ({ paths: each })),
  paths.map((each) => ({ notPaths: each })),
  fc.constantFrom("GET", "POST").map((each) => ({ methods: [each] })),
  fc.constantFrom("web*", "other", "*.local").map((each) => ({ hosts: [each] })),
  fc.constantFrom("8080", "81").map((each) => ({ ports: [each] })),
);
const when = fc.oneof(
  fc.constantFrom("jason", "ja*", "*").map((each) => ({ key: "request.headers[x-user]", values: [each] })),
  fc.constantFrom("jason").map((each) => ({ key: "request.headers[x-user]", notValues: [each] })),
  fc.constantFrom("8080", "81").map((each) => ({ key: "destination.port", values: [each] })),
);
const policy = fc.record({
  action: fc.constantFrom("ALLOW", "DENY"),
  rules: fc.array(
    fc.record(
      {
        from: source.map((each) => [{ source: each }]),
        to: fc
          .array(operation, { minLength: 1, maxLength: 2 })
          .map((all) => [{ operation: Object.assign({}, ...all) }]),
        when: when.map((each) => [each]),
      },
      { requiredKeys: [] },
    ),
    { minLength: 1, maxLength: 2 },
  ),
});

describe("an explained request meets the policies that real proxies enforce", () => {
  const seed = 20_261_130;
  const servers = Array.from({ length: SERVERS }, (_, i) => ({ name: `web${i}`, ip: `127.20.1.${10 + i}`, i }));
  // Policies are there from the start: a connection that is open when the first one comes does not meet it.
  const policiesOf = ({ name, i }: (typeof servers)[number]): readonly object[] =>
    fc.sample(policy, { seed: seed + i, numRuns: 1 + i }).map((spec, j) => ({
      ...{ apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy" },
      ...{ metadata: { name: `${name}-${j}`, namespace: "default" } },
      spec: { selector: { matchLabels: { app: name } }, ...spec },
    }));
  const views = new Map<string, ProxyView>();
  let lab: Lab;
  before(async () => {
    const pods = servers.map(({ name, ip }) => ({ name, ip, sidecar: true, labels: { app: name } }));
    const proxies = servers.map(({ name, ip, i }) => [
      name,
      { kind: "explicit" as const, ip, app: `127.20.2.${10 + i}`, labels: { app: name } },
    ]);
    lab = await openLab({
      proxies: {
        client: { kind: "explicit", ip: "127.20.1.1", serviceAccount: "caller" },
        ...Object.fromEntries(proxies),
      },
      services: pods.map((pod, i) => ({
        ...{ name: pod.name, address: `127.20.0.${10 + i}`, ports: { http: 8080 }, pods: [pod] },
      })),
      upstreams: servers.map(({ name, i }) => ({ name, at: `127.20.2.${10 + i}:8080` })),
      objects: servers.flatMap(policiesOf),
    });
    for (const { name, ip } of [{ name: "client", ip: "127.20.1.1" }, ...servers]) {
      const dump = readConfigDump((await lab.envoys.get(name)?.admin("/config_dump?include_eds")) ?? "");
      views.set(ip, { name, dump, identity: identityOf(dump), address: ip });
    }
  });
  after(() => lab?.close());

  for (const server of servers)
    it(`of a random set of policies, ${server.i}`, async () => {
      const { name } = server;
      const client = views.get("127.20.1.1") as ProxyView;
      for (const each of fc.sample(request, { seed: seed - server.i, numRuns: 2 * REQUESTS })) {
        const asked: RequestToExplain = { ...each, host: `${name}:8080`, port: 8080 };
        const expected = await explainRequest(client, asked, async (address) => views.get(address));
        const answer = await lab.http({
          ...{ through: "client", url: `http://${name}:8080/`, path: each.path },
          ...{ method: each.method, headers: each.headers },
        });
        const way = JSON.stringify({ asked, expected, policies: policiesOf(server) });
        assert.equal(answer.status, expected.status ?? 200, way);
      }
    });
});
