import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClusterSchema } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { unpatched } from "../../encode/unpatched.ts";
import { Generator } from "../../engine/generator.ts";
import { type Json, jsonOf, object, proxy, service } from "../../small-mesh.testkit.ts";

const WEB = proxy({ LABELS: { app: "web" } }, "sidecar~10.0.0.7~web-1.default~x");
const RATINGS = "outbound|9080||ratings.default.svc.cluster.local";
const KEY = "networking.istio.io/EnvoyFilter/default/own";
const merge = (value: object, match: object = { cluster: { name: RATINGS } }) => ({
  configPatches: [{ applyTo: "CLUSTER", match, patch: { operation: "MERGE", value } }],
});

/** A mesh that EnvoyFilters are put into. */
function mesh() {
  const builder = new MeshBuilder();
  builder.apply({ workloads: { puts: [...service("ratings"), ...service("other")], deletes: [] } });
  const generator = new Generator(builder.snapshot);
  const change = (spec: object, { namespace = "default", name = "own" } = {}): void => {
    const puts = [object("EnvoyFilter", name, spec, { namespace })];
    const { snapshot, changed } = builder.apply({ config: { puts, deletes: [] } });
    generator.update(snapshot, changed);
  };
  const set = (type: "cluster" | "listener", client = WEB) =>
    generator.resources(type, client, generator.proxyClass(client));
  const cluster = (name = RATINGS) => set("cluster").resources.get(name);
  const json = (name = RATINGS): Json => {
    const found = cluster(name);
    return found && jsonOf(ClusterSchema, found.bytes);
  };
  return { generator, change, set, cluster, json };
}

describe("an EnvoyFilter", () => {
  it("costs proxies that it does not select nothing, not even a class of their own", () => {
    const { generator, change, set } = mesh();
    const before = [set("cluster"), set("listener")];
    const { key } = generator.proxyClass(WEB);
    change({ ...merge({ connect_timeout: "3s" }), workloadSelector: { labels: { app: "other" } } });
    change(merge({ connect_timeout: "3s" }), { namespace: "shop" });
    assert.equal(generator.proxyClass(WEB).key, key);
    assert.deepEqual([set("cluster"), set("listener")], before);
    assert.equal(generator.proxyClass(WEB).patched, undefined);
  });

  it("makes only those sorts of resources anew that its patches are for", () => {
    const { change, set, json } = mesh();
    change(merge({ connect_timeout: "3s" }));
    const listeners = set("listener");
    change(merge({ connect_timeout: "4s" }));
    assert.equal(json().connect_timeout, "4s");
    assert.equal(set("listener"), listeners);
  });

  it("is behind what it changes, and what it was before can be had", () => {
    const { change, cluster } = mesh();
    const before = cluster();
    change(merge({ connect_timeout: "3s" }));
    const after = cluster();
    assert.deepEqual(after?.configKeys, [KEY]);
    assert.equal(after && unpatched(after)?.version, before?.version);
    const other = cluster("outbound|9080||other.default.svc.cluster.local");
    assert.equal(other && unpatched(other), undefined);
  });

  it("merges as Istio: values overwrite, lists are appended, durations and entries of maps are replaced", () => {
    const { change, json } = mesh();
    change(
      merge({
        connect_timeout: "0.5s",
        circuit_breakers: { thresholds: [{ priority: "HIGH", max_requests: 7 }] },
        metadata: { filter_metadata: { mine: { a: 1 } } },
      }),
    );
    const { connect_timeout: timeout, circuit_breakers: breakers, metadata, lb_policy: policy } = json();
    assert.equal(timeout, "0.500s");
    assert.deepEqual([breakers.thresholds.length, breakers.thresholds[1].max_requests], [2, 7]);
    assert.deepEqual(Object.keys(metadata.filter_metadata).sort(), ["istio", "mine"]);
    assert.equal(policy, "LEAST_REQUEST");
  });

  it("that cannot be applied is left out, and says why", () => {
    const { change, cluster, json } = mesh();
    change(merge({ connect_timeout: "soon" }));
    assert.equal(json().connect_timeout, "10s");
    const [error] = cluster()?.patchErrors ?? [];
    assert.equal(error?.configKey, KEY);
    assert.match(error?.message ?? "", /connect_timeout/);
  });

  it("names types of API v2, and types that nobody knows", () => {
    const { change, cluster } = mesh();
    for (const [type, expected] of [
      ["envoy.config.filter.http.lua.v2.Lua", /API v2, which no Envoy takes any more/],
      ["example.v1.Mine", /is not known; write xds\.type\.v3\.TypedStruct/],
    ] as const) {
      const socket = { name: "x", typed_config: { "@type": `type.googleapis.com/${type}` } };
      change(merge({ transport_socket: socket }));
      assert.match(cluster()?.patchErrors?.[0]?.message ?? "", expected);
    }
  });

  it("reaches filters by older names, and those of several by what is before the slash", () => {
    const { change, set } = mesh();
    const lua = {
      name: "my.lua",
      typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua" },
    };
    for (const name of ["envoy.router", "envoy.filters.http.router"]) {
      const filter = { name: "envoy.http_connection_manager", subFilter: { name } };
      const match = { context: "SIDECAR_OUTBOUND", listener: { filterChain: { filter } } };
      change({ configPatches: [{ applyTo: "HTTP_FILTER", match, patch: { operation: "INSERT_BEFORE", value: lua } }] });
      const listener = set("listener").resources.get("0.0.0.0_9080");
      assert.match(JSON.stringify(listener && jsonOf(ListenerSchema, listener.bytes)), /my\.lua.*http\.router/);
    }
  });
});
