// Virtual hosts one by one (docs/adr/0016-virtual-host-discovery.md): a change sends its own host, and requests do not see the difference.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { Resource } from "@xebec/model-resources";
import { differences, readConfigDump } from "@xebec/pilot-proxy-config";
import { configDump } from "@xebec/pilot-xds-server";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";

/** So many services that are there for the size of the tables. */
const MANY = 200;
const bulk = Array.from({ length: MANY }, (_, i) => ({
  ...{
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: `bulk-${i}`, namespace: "default" },
  },
  spec: {
    ...{ hosts: [`bulk-${i}.example.com`], location: "MESH_INTERNAL", resolution: "STATIC" },
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    endpoints: [{ address: "10.9.9.9" }],
  },
}));
const rule = (name: string, status: number, path: object = { exact: "/form" }) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name, namespace: "default" } },
  spec: {
    hosts: [name],
    http: [
      { name: "form", match: [{ uri: path }], directResponse: { status } },
      { name: "rest", route: [{ destination: { host: name } }] },
    ],
  },
});
/** An object as it would come past galley's checks. */
const unchecked = ({ metadata, kind, spec }: ReturnType<typeof rule>): Resource => ({
  ...{ group: "networking.istio.io", version: "v1", kind, ...metadata, spec },
  creationTimestamp: "2026-01-01T00:00:00Z",
});
/** Listens on a port that nobody else has. */
const late = {
  ...{ apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { name: "late", namespace: "default" } },
  spec: {
    ...{ hosts: ["late.example.com"], location: "MESH_INTERNAL", resolution: "STATIC" },
    ports: [{ number: 8123, name: "http", protocol: "HTTP" }],
    endpoints: [{ address: "10.9.9.8" }],
  },
};
const lateRule = {
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "late", namespace: "default" } },
  spec: { hosts: ["late.example.com"], http: [{ directResponse: { status: 222 } }] },
};
const PROXIES = ["captured", "explicit"] as const;

describe("virtual hosts one by one", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      vhds: true,
      proxies: {
        captured: { kind: "captured", ip: "10.1.0.1" },
        explicit: { kind: "explicit", ip: "10.1.0.2", app: "10.1.0.3" },
      },
      services: [host("one"), host("two")],
      objects: [...bulk, rule("one", 201), rule("two", 202)],
    });
  });
  after(() => lab?.close());

  const form = async (through: string, name: string, path = "/form"): Promise<number> =>
    (await lab.http({ through, url: `http://${name}${path}` })).status;
  /** The names of a proxy's virtual hosts that differ between two moments, and whether its tables do. */
  const sent = () =>
    new Map(
      [...lab.xds.connections].flatMap(({ id, subscriptions }) =>
        ["route", "virtualhost"].flatMap((type) =>
          [...(subscriptions.get(type)?.sent.resources.values() ?? [])].map(
            (each) => [`${id} ${type} ${each.name}`, `${each.version} ${each.bytes.length}`] as const,
          ),
        ),
      ),
    );

  it("are sent alone when their rule changes, in place of a table of many", async () => {
    for (const proxy of PROXIES) assert.deepEqual([await form(proxy, "one"), await form(proxy, "two")], [201, 202]);
    const before = sent();
    await lab.apply([rule("one", 211)]);
    const changed = [...sent()].filter(([name, value]) => before.get(name) !== value);
    assert.ok(changed.every(([name]) => /virtualhost (\d+|http_proxy)\/one\.default/.test(name)));
    const bytes = changed.reduce((sum, [, value]) => sum + Number(value.split(" ")[1]), 0);
    assert.ok(changed.length === 2 && bytes < 4096, `${changed.length} hosts, ${bytes} bytes`);
    for (const proxy of PROXIES) {
      assert.deepEqual([await form(proxy, "one"), await form(proxy, "two")], [211, 202]);
      assert.match((await lab.http({ through: proxy, url: "http://one/rest" })).by, /^one-v/);
    }
  });

  it("go with their service, and a host that nobody knows is still treated as such", async () => {
    const [gone] = bulk.slice(-1);
    assert.ok(gone);
    const url = `http://bulk-${MANY - 1}.example.com/`;
    const virtualService = { ...lateRule, metadata: { ...lateRule.metadata, name: "gone" } };
    const answers = { ...virtualService, spec: { ...lateRule.spec, hosts: [`bulk-${MANY - 1}.example.com`] } };
    await lab.apply([answers]);
    for (const through of PROXIES) assert.equal((await lab.http({ through, url })).status, 222);
    await lab.remove([answers, gone]);
    for (const through of PROXIES) assert.notEqual((await lab.http({ through, url, timeoutMs: 1_000 })).status, 222);
  });

  it("come with a table that is new, before its listener takes connections", async () => {
    await lab.apply([late, lateRule]);
    assert.equal((await lab.http({ through: "captured", url: "http://late.example.com:8123/" })).status, 222);
    await lab.remove([late, lateRule]);
    await lab.apply([late, lateRule]);
    assert.equal((await lab.http({ through: "captured", url: "http://late.example.com:8123/" })).status, 222);
  });

  it("that an Envoy rejects keep their last good form, and no other one is held up", async () => {
    const nacks = await lab.reject([unchecked(rule("one", 212, { regex: "/(" })), unchecked(rule("two", 213))]);
    assert.deepEqual(new Set(nacks.flatMap(({ type }) => type)), new Set(["virtualhost"]));
    assert.match(nacks.at(-1)?.configKeys.join() ?? "", /VirtualService\/default\/one$/);
    await waitFor("the other rule is there", 10_000, async () => (await form("captured", "two")) === 213);
    assert.equal(await form("captured", "one"), 211);
    await lab.apply([rule("one", 214), rule("two", 202)]);
    assert.equal(await form("captured", "one"), 214);
  });

  it("are taken up again by a proxy whose stream was cut, with what has changed and gone meanwhile", async () => {
    await lab.apply([rule("one", 215)]);
    const answers = { ...lateRule, spec: { ...lateRule.spec, hosts: ["bulk-7.example.com"] } };
    await lab.apply([answers]);
    for (const each of lab.xds.connections) each.fail(new Error("cut"));
    await lab.send([rule("one", 216)]);
    await lab.remove([answers]);
    for (const through of PROXIES) {
      assert.deepEqual([await form(through, "one"), await form(through, "two")], [216, 202]);
      const url = "http://bulk-7.example.com/";
      assert.notEqual((await lab.http({ through, url, timeoutMs: 500 })).status, 222);
    }
    const forms = [...lab.xds.connections].map(
      ({ subscriptions }) => subscriptions.get("virtualhost")?.sent.resources.size,
    );
    assert.ok(forms.every((size) => (size ?? 0) > MANY));
  });

  it("are shown in their tables, and pilot's dump equals Envoy's", async () => {
    for (const [name, envoy] of lab.envoys) {
      const [connection] = [...lab.xds.connections].filter(({ id }) => id.startsWith(name));
      assert.ok(connection);
      const pilot = readConfigDump(JSON.stringify(await configDump(connection, ["rds"], false)));
      const own = readConfigDump(await envoy.admin("/config_dump"), "dynamic");
      const only = ({ routes }: typeof own) => ({ ...own, clusters: [], listeners: [], extensions: [], routes });
      assert.deepEqual(differences(only(pilot), only(own)), []);
      const shown = own.routes.flatMap((each) => each.virtual_hosts as { readonly name: string }[]);
      assert.ok(shown.some((each) => each.name === "one.default.svc.cluster.local:80"));
    }
  });
});
