import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import type { LabService } from "./lab/mesh.ts";

const IP = "10.1.0.10";
const HOST = "web.default.svc.cluster.local";

const rbac = (kind: string, name: string, spec: object, namespace: string | undefined = "default"): object => ({
  apiVersion: "rbac.istio.io/v1alpha1",
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
  spec,
});
const config = (spec: object): object => rbac("ClusterRbacConfig", "default", spec, "");
const role = (...rules: object[]): object => rbac("ServiceRole", "r", { rules });
const rule = (more: object = {}): object => ({ services: [HOST], ...more });
const constraint = (key: string, ...values: string[]): object => rule({ constraints: [{ key, values }] });
const binding = (subject: object, more: object = {}): object =>
  rbac("ServiceRoleBinding", "b", { subjects: [subject], roleRef: { kind: "ServiceRole", name: "r" }, ...more });
const ON = config({ mode: "ON" });
const ANYBODY = binding({ user: "*" });

interface Call extends Partial<HttpCall> {
  readonly as?: string;
  readonly path?: string;
  readonly sni?: string;
}

describe("rbac.istio.io of Istio 1.1 through real Envoys", () => {
  let lab: Lab;
  const service = (name: string, address: string, ports: Readonly<Record<string, number>>): LabService => ({
    ...{ name, address, ports },
    pods: [{ name, ip: IP, sidecar: true, labels: { app: "web", version: "v1" }, serviceAccount: "web" }],
  });
  before(async () => {
    lab = await openLab({
      proxies: { web: { kind: "captured", ip: IP, labels: { app: "web", version: "v1" }, serviceAccount: "web" } },
      services: [service("web", "10.98.0.1", { http: 80, tcp: 5000 })],
    });
    for (const port of [80, 5000, 7000]) await lab.serve({ name: "web", at: `${IP}:${port}` });
  });
  after(() => lab.close());

  const certificates = new Map<string, { readonly cert: string; readonly key: string }>();
  const wayOf = ({ as, sni = "x", from }: Call) => {
    const [namespace, account] = as?.split("/") ?? [];
    const uri = `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
    const own = as ? (certificates.get(uri) ?? lab.ca.issue({ uris: [uri] })) : undefined;
    if (own) certificates.set(uri, own);
    return { to: "web", ...(own ? { tls: { alpn: ["istio"], sni, ...own } } : {}), ...(from ? { from } : {}) };
  };
  const passes = async (call: Call = {}): Promise<boolean> => {
    const { path = "/", as, sni, from, ...more } = call;
    const { status } = await lab.http({ ...wayOf(call), url: `http://web${path}`, ...more });
    assert.ok(status === 200 || status === 403, String(status));
    return status === 200;
  };
  const connects = async (call: Call = {}, port = 5000): Promise<boolean> =>
    (await lab.tcp({ ...wayOf(call), port })).by === "web";
  const A: Call = { as: "default/a" };
  const B: Call = { as: "shop/b" };

  it("ClusterRbacConfig mode: services ask for roles with ON, of inclusion, or all but those of exclusion", async () => {
    for (const [spec, asks] of [
      [{ mode: "OFF" }, false],
      [{ mode: "ON" }, true],
      [{ mode: "ON_WITH_INCLUSION", inclusion: { services: [HOST] } }, true],
      [{ mode: "ON_WITH_INCLUSION", inclusion: { namespaces: ["default"] } }, true],
      [{ mode: "ON_WITH_INCLUSION", inclusion: { namespaces: ["shop"], services: ["other"] } }, false],
      [{ mode: "ON_WITH_EXCLUSION", exclusion: { services: [HOST] } }, false],
      [{ mode: "ON_WITH_EXCLUSION", exclusion: { namespaces: ["default"] } }, false],
      [{ mode: "ON_WITH_EXCLUSION", exclusion: {} }, true],
    ] as const)
      await lab.during([config(spec)], async () => {
        assert.deepEqual([await passes(), await connects()], [!asks, !asks], JSON.stringify(spec));
        // Ports of no service are as they were.
        assert.ok(await connects({}, 7000));
      });
    assert.ok(await passes());
  });

  it("RbacConfig holds in the root namespace, where there is no ClusterRbacConfig", async () => {
    await lab.during([rbac("RbacConfig", "default", { mode: "ON" })], async () => assert.ok(await passes()));
    await lab.during([rbac("RbacConfig", "default", { mode: "ON" }, "istio-system")], async () => {
      assert.ok(!(await passes()));
      await lab.during([config({ mode: "OFF" })], async () => assert.ok(await passes()));
    });
  });

  const cases: readonly (readonly [string, readonly object[], readonly Call[], readonly Call[]])[] = [
    ["a role without a binding is nobody's", [role(rule())], [], [{}, A]],
    ["a binding without its role says nothing", [ANYBODY], [], [{}, A]],
    ["user *", [role(rule()), ANYBODY], [{}, A], []],
    ["user", [role(rule()), binding({ user: "cluster.local/ns/default/sa/a" })], [A], [B, {}]],
    ["services", [role({ services: ["other", "web.*"] }), ANYBODY], [{}], []],
    ["services of another name", [role({ services: ["other", "*.com"] }), ANYBODY], [], [{}]],
    ["methods", [role(rule({ methods: ["GET", "P*"] })), ANYBODY], [{}, { method: "PUT" }], [{ method: "DELETE" }]],
    [
      "paths",
      [role(rule({ paths: ["/a", "/b/*", "*/c"] })), ANYBODY],
      [{ path: "/a" }, { path: "/a?q" }, { path: "/b/x" }, { path: "/x/c" }],
      [{ path: "/d" }, { path: "/a/" }],
    ],
    ["constraints destination.ip", [role(constraint("destination.ip", IP)), ANYBODY], [{}], []],
    ["constraints destination.port", [role(constraint("destination.port", "81")), ANYBODY], [], [{}]],
    ["constraints destination.labels", [role(constraint("destination.labels[version]", "v*")), ANYBODY], [{}], []],
    [
      "constraints destination.labels of others",
      [role(constraint("destination.labels[version]", "v2")), ANYBODY],
      [],
      [{}],
    ],
    ["constraints destination.name", [role(constraint("destination.name", "web")), ANYBODY], [{}], []],
    ["constraints destination.namespace", [role(constraint("destination.namespace", "shop")), ANYBODY], [], [{}]],
    ["constraints destination.user", [role(constraint("destination.user", "web")), ANYBODY], [{}], []],
    ["constraints destination.user of others", [role(constraint("destination.user", "other")), ANYBODY], [], [{}]],
    [
      "constraints request.headers",
      [role(constraint("request.headers[x-k]", "1")), ANYBODY],
      [{ headers: { "x-k": "1" } }],
      [{}, { headers: { "x-k": "2" } }],
    ],
    ["constraints connection.sni", [role(constraint("connection.sni", "a.b")), ANYBODY], [{ ...A, sni: "a.b" }], [A]],
    [
      "properties source.namespace",
      [role(rule()), binding({ properties: { "source.namespace": "shop" } })],
      [B],
      [A, {}],
    ],
    [
      "properties source.principal",
      [role(rule()), binding({ properties: { "source.principal": "cluster.local/ns/shop/sa/b" } })],
      [B],
      [A],
    ],
    [
      "properties source.ip",
      [role(rule()), binding({ properties: { "source.ip": "10.8.0.0/16" } })],
      [{ from: "10.8.0.1" }],
      [{ from: "10.9.0.1" }],
    ],
    [
      "properties request.headers, together with the user",
      [role(rule()), binding({ user: "cluster.local/ns/default/sa/a", properties: { "request.headers[x-k]": "1" } })],
      [{ ...A, headers: { "x-k": "1" } }],
      [A, { ...B, headers: { "x-k": "1" } }],
    ],
    ["properties of nobody's", [role(rule()), binding({ properties: { color: "red" } })], [], [{}, A]],
    ["group, without a token", [role(rule()), binding({ group: "g" })], [], [{}, A]],
  ];
  for (const [name, objects, yes, no] of cases)
    it(`ServiceRole and ServiceRoleBinding: ${name}`, () =>
      lab.during([ON, ...objects], async () => {
        for (const call of yes) assert.ok(await passes(call), JSON.stringify(call));
        for (const call of no) assert.ok(!(await passes(call)), JSON.stringify(call));
      }));

  it("roles are for the services of their own namespace", async () => {
    const there = [
      rbac("ServiceRole", "r", { rules: [{ services: ["*"] }] }, "shop"),
      rbac(
        "ServiceRoleBinding",
        "b",
        { subjects: [{ user: "*" }], roleRef: { kind: "ServiceRole", name: "r" } },
        "shop",
      ),
    ];
    await lab.during([ON, ...there], async () => assert.ok(!(await passes())));
  });

  it("enforcementMode and mode PERMISSIVE are counted, without effect", async () => {
    const counted = async (): Promise<string[]> => {
      // Before 1.40, Envoy names statistics of discovered filters by the filter.
      const filter = encodeURIComponent("(_80;|http_filter[.].*)[.]rbac[.]shadow_");
      const text = (await lab.envoys.get("web")?.admin(`/stats?filter=${filter}`)) ?? "";
      return text
        .trim()
        .split("\n")
        .map((line) => line.replace(/^.*rbac\./, ""))
        .sort();
    };
    await lab.during(
      [config({ mode: "ON", enforcementMode: "PERMISSIVE" }), role(rule({ paths: ["/a"] })), ANYBODY],
      async () => {
        assert.deepEqual(
          [await passes({ path: "/a" }), await passes({ path: "/b" }), await connects()],
          [true, true, true],
        );
        assert.deepEqual(await counted(), ["shadow_allowed: 1", "shadow_denied: 1"]);
      },
    );
    const permissive = binding({ user: "*" }, { mode: "PERMISSIVE" });
    await lab.during([ON, role(rule()), permissive], async () => assert.ok(!(await passes())));
  });

  it("connections without HTTP: roles that say something of HTTP allow none", async () => {
    for (const [objects, expected] of [
      [[role(rule()), ANYBODY], true],
      [[role(rule({ methods: ["GET"] })), ANYBODY], false],
      [[role(constraint("request.headers[x]", "1"), constraint("destination.port", "5000")), ANYBODY], true],
      [[role(rule()), binding({ user: "*", properties: { "request.headers[x]": "1" } })], false],
      [[role(rule()), binding({ user: "cluster.local/ns/default/sa/a" })], true],
      [[role(rule()), binding({ properties: { "source.namespace": "shop" } })], false],
    ] as const)
      await lab.during([ON, ...objects], async () =>
        assert.equal(await connects(A), expected, JSON.stringify(objects)),
      );
  });
});
