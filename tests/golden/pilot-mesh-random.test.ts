import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import { registry } from "@xebec/api-envoy/registry";
import { CONFIG_KINDS, objectConditions, type Snapshot } from "@xebec/pilot-snapshot";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { Generator, type MeshProxy, proxyOf, TYPE_URL, type XdsType } from "@xebec/pilot-xds-gen";
import fc from "fast-check";
import { nodeOf } from "../behaviour/lab/mesh.ts";
import { RANDOM_KINDS, RANDOM_PROXIES, RandomMesh, randomStep, validObject } from "./arbitrary-mesh.ts";

/** More of them show more: `XEBEC_RANDOM_MESHES=2000 node --test tests/golden/pilot-mesh-random.test.ts`. */
const MESHES = Number(process.env.XEBEC_RANDOM_MESHES ?? 100);
const SEED = Number(process.env.XEBEC_RANDOM_SEED ?? 20_261_129);
const STEPS = { minLength: 3, maxLength: 8 };
const ROUTERS = { routers: [{ ...RANDOM_PROXIES.gateway?.labels }], use: undefined };

/** What a client of gRPC asks for by name. */
const GRPC_TARGETS = [
  ...["reviews", "mongo"].flatMap((name) => [80, 9080, 443].map((port) => `${name}.default.svc.cluster.local:${port}`)),
  "xds.istio.io/grpc/lds/inbound/10.1.0.1:9080",
];
const GRPC_CLUSTERS = ["", "v1", "v2"].flatMap((subset) =>
  ["reviews", "mongo"].map((name) => `outbound|9080|${subset}|${name}.default.svc.cluster.local`),
);
const PROXIES = {
  ...RANDOM_PROXIES,
  grpc: { kind: "captured" as const, ip: "10.1.0.1", labels: { app: "v1" }, metadata: { GENERATOR: "grpc" } },
};
const proxies = Object.entries(PROXIES).map(([name, each]) => proxyOf({ ...nodeOf(name, each), locality: "" }));
const schemas = new Map(
  (Object.entries(TYPE_URL) as [XdsType, string][]).map(([type, url]) => [
    type,
    registry.getMessage(url.replace("type.googleapis.com/", "")) as DescMessage,
  ]),
);

/** What a resource refers to by name. */
interface References {
  readonly route: Set<string>;
  readonly extensionconfig: Set<string>;
  readonly secret: Set<string>;
}
/** By type and version: most resources do not change from step to step. */
const known = new Map<string, References>();

interface Sound {
  readonly filter_chains?: readonly { readonly filter_chain_match?: unknown }[];
  readonly virtual_hosts?: readonly { readonly domains: readonly string[] }[];
}

/** Reads a resource as Envoy would, and finds what would make Envoy refuse it. @returns the names in it */
function read(type: XdsType, version: string, bytes: Uint8Array): References {
  const before = known.get(`${type} ${version}`);
  if (before) return before;
  const found: References = { route: new Set(), extensionconfig: new Set(), secret: new Set() };
  const schema = schemas.get(type);
  assert.ok(schema, type);
  const json = toJson(schema, fromBinary(schema, bytes), { registry, useProtoFieldName: true });
  JSON.stringify(json, (key, value: { config_discovery?: unknown; sds_config?: unknown; name?: unknown } | null) => {
    if (key === "route_config_name") found.route.add(String(value));
    if (value?.config_discovery) found.extensionconfig.add(String(value.name));
    if (value?.sds_config) found.secret.add(String(value.name));
    return value;
  });
  const { filter_chains = [], virtual_hosts = [] } = json as Sound;
  for (const list of [
    filter_chains.map((each) => JSON.stringify(each.filter_chain_match ?? {})),
    virtual_hosts.flatMap((each) => each.domains),
  ])
    assert.equal(new Set(list).size, list.length, `given twice among ${list.join(" ")}`);
  known.set(`${type} ${version}`, found);
  return found;
}

/** Makes everything that a proxy gets, and all that this refers to. @returns the versions of all resources */
function everything(generator: Generator, proxy: MeshProxy): Map<string, string> {
  const view = generator.proxyClass(proxy);
  const versions = new Map<string, string>();
  const names: References = { route: new Set(), extensionconfig: new Set(), secret: new Set() };
  const take = (type: XdsType, wanted: Iterable<string> = []): string[] => {
    const list = [...wanted].sort();
    const { resources } = generator.resources(type, proxy, view, { key: list.join(), names: list });
    for (const [name, { version, bytes }] of resources) {
      versions.set(`${type} ${name}`, version);
      const found = read(type, version, bytes);
      for (const key of ["route", "extensionconfig", "secret"] as const)
        for (const each of found[key]) names[key].add(each);
    }
    return [...resources.keys()];
  };
  const isGrpc = proxy.generator === "grpc";
  const clusters = isGrpc ? take("cluster", GRPC_CLUSTERS) : take("cluster");
  take(
    "endpoint",
    clusters.filter((name) => name.startsWith("outbound|")),
  );
  take("listener", isGrpc ? GRPC_TARGETS : []);
  take("extensionconfig", names.extensionconfig);
  take("route", names.route);
  take("secret", names.secret);
  generator.resourceLists(proxy, view);
  for (const { why } of generator.remarks(proxy, view) as Iterable<{ why?: string }>) assert.notEqual(why, "");
  return versions;
}

const conditionsOf = (snapshot: Snapshot): Map<string, string> =>
  new Map([...objectConditions(snapshot, ROUTERS)].map(({ key, message, reason }) => [key, `${reason} ${message}`]));
const hasConditions = (key: string): boolean =>
  CONFIG_KINDS.some(
    ({ group, kind, conditions }) => conditions && key.startsWith(kind ? `${group}/${kind}/` : `${group}/`),
  );

describe("pilot, whatever a mesh holds and however it changes", () => {
  for (const kind of RANDOM_KINDS)
    it(`is tried with valid objects of the kind ${kind}`, () => {
      const valid = fc.sample(validObject(kind), { numRuns: 50, seed: SEED }).filter((each) => each !== undefined);
      assert.ok(valid.length >= 20, `only ${valid.length} of 50 are valid`);
    });

  it("makes sound resources for every proxy, and what a new pilot makes of the same mesh", (test) => {
    let generation = 0;
    let made = 0;
    fc.assert(
      fc.property(fc.array(randomStep(6), STEPS), (steps) => {
        const builder = new MeshBuilder();
        const generator = new Generator(builder.snapshot);
        const mesh = new RandomMesh();
        for (const step of steps) {
          const objects = step.objects.map((each) => ({ ...each, generation: ++generation }));
          const { snapshot, changed } = builder.apply(mesh.change({ ...step, objects }));
          generator.update(snapshot, changed);
          for (const proxy of proxies) everything(generator, proxy);
          const conditions = conditionsOf(snapshot);
          for (const [key, object] of mesh.objects) {
            if (!hasConditions(key)) continue;
            // An object that could not be translated keeps the generation of its last good form.
            assert.equal(snapshot.generations.get(key), object.generation, `${key}: ${JSON.stringify(object.spec)}`);
            // Of Mixer's objects pilot says only who decides, of rules that decide.
            assert.ok(conditions.has(key) || object.group === "config.istio.io", `${key} has no condition`);
          }
          made += objects.length * proxies.length;
        }
        const whole = new MeshBuilder();
        whole.apply(mesh.whole());
        const fresh = new Generator(whole.snapshot);
        for (const proxy of proxies) assert.deepEqual(everything(generator, proxy), everything(fresh, proxy));
        assert.deepEqual(conditionsOf(builder.snapshot), conditionsOf(whole.snapshot));
      }),
      { seed: SEED, numRuns: MESHES },
    );
    test.diagnostic(`${made} objects for proxies`);
  });
});
