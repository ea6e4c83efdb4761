import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { Generator } from "../engine/generator.ts";
import { proxyOf } from "../scope/proxy.ts";
import type { EncodedResource } from "./encoded.ts";

const PROXY = proxyOf({
  ...{ id: "sidecar~10.0.0.9~app-1.default~default.svc.cluster.local", locality: "", userAgent: "envoy" },
  metadata: { NAMESPACE: "default" },
});
const NAMES = ["a", "b", "c"];

function objects(timeout: string): Resource[] {
  const object = (kind: string, name: string, spec: object): Resource => ({
    ...{ group: "networking.istio.io", version: "v1", kind, namespace: "default", name, spec },
    creationTimestamp: "2026-01-01T00:00:00Z",
  });
  return NAMES.flatMap((name) => [
    object("ServiceEntry", name, {
      ...{ hosts: [`${name}.example.com`], location: "MESH_INTERNAL", resolution: "STATIC" },
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      endpoints: [{ address: "10.0.0.1" }],
    }),
    object("VirtualService", name, {
      hosts: [`${name}.example.com`],
      http: [{ route: [{ destination: { host: `${name}.example.com` } }], timeout }],
    }),
  ]);
}

/** The table of port 80. */
function table(timeout: string): EncodedResource {
  const { snapshot } = new MeshBuilder().apply({ config: { puts: objects(timeout), deletes: [] } });
  const generator = new Generator(snapshot);
  const set = generator.resources("route", PROXY, generator.proxyClass(PROXY), { key: "80", names: ["80"] });
  return set.resources.get("80") as EncodedResource;
}

/** Its hosts with the timeouts of their routes, as a proxy reads them; and everything else. */
function read({ bytes }: EncodedResource) {
  const { virtualHosts, $unknown, ...rest } = fromBinary(RouteConfigurationSchema, bytes);
  assert.equal($unknown, undefined);
  const timeouts = virtualHosts.map(({ name, routes }) => {
    const action = routes[0]?.action;
    return [name, action?.case === "route" ? Number(action.value.timeout?.seconds) : undefined];
  });
  return { timeouts: Object.fromEntries(timeouts) as Record<string, number | undefined>, rest };
}

describe("a route table with other virtual hosts", () => {
  const [old, next] = [table("1s"), table("2s")];
  const host = (resource: EncodedResource, name: string) => resource.parts?.find((each) => each.name === name);

  it("is the very table, with the bytes and the version of one that was made so", () => {
    const all = new Map(old.parts?.map((each) => [each.name, each]));
    const same = next.withParts?.(all);
    assert.ok(same && Buffer.from(same.bytes).equals(old.bytes));
    assert.deepEqual([same.version, [...same.configKeys].sort()], [old.version, [...old.configKeys].sort()]);
    assert.equal(next.withParts?.(new Map())?.version, next.version);
  });

  it("has one host as it was, and lacks one, and is the same otherwise", () => {
    const mixed = next.withParts?.(
      new Map([
        ["a.example.com:80", host(old, "a.example.com:80")],
        ["b.example.com:80", undefined],
      ]),
    );
    assert.ok(mixed);
    const { timeouts, rest } = read(mixed);
    assert.deepEqual([timeouts["a.example.com:80"], timeouts["c.example.com:80"]], [1, 2]);
    assert.equal("b.example.com:80" in timeouts, false);
    assert.deepEqual(rest, read(next).rest);
    assert.ok(!mixed.configKeys.some((key) => key.endsWith("VirtualService/default/b")));
  });
});
