import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { Generator } from "../engine/generator.ts";
import type { Scope } from "../scope/scope.ts";
import { object } from "../small-mesh.testkit.ts";
import { cluster, host, json, KEY, patchOf, RECORDS, resource, sourceOf } from "./patch.testkit.ts";
import type { PatchSource } from "./patch.ts";

const DB = cluster("db", 27017);
const LISTENER = "0.0.0.0_9080";

/** A mesh, and a generator for it that follows its changes. */
function meshWith(source: PatchSource<Scope>) {
  const mesh = new MeshBuilder();
  mesh.apply({ workloads: { puts: RECORDS, deletes: [] } });
  const generator = new Generator(mesh.snapshot, [source]);
  return {
    generator,
    apply(change: Parameters<MeshBuilder["apply"]>[0]) {
      const { snapshot, changed } = mesh.apply(change);
      generator.update(snapshot, changed);
    },
  };
}

/** One more endpoint of `ratings`. */
const MORE: WorkloadRecord = {
  ...{ type: "endpoints", namespace: "default", name: "ratings" },
  subsets: [
    {
      addresses: ["10.0.0.1", "10.0.0.2"].map((ip) => ({ ip, ready: true })),
      ports: [{ name: "http", port: 9080 }],
    },
  ],
};

describe("what a patch reads", () => {
  /** Names the cluster of `db` after the number of endpoints that `ratings` has. */
  const counting = sourceOf(
    patchOf({
      cluster: (scope, built) => {
        if (built.name !== DB) return built;
        const ratings = scope.service(host("ratings"));
        const count = ratings ? scope.endpoints(ratings).length : 0;
        return { ...built, message: { ...built.message, altStatName: `${count}` } };
      },
    }),
  );

  it("makes what it patched anew when it changes, and nothing else", () => {
    const { generator, apply } = meshWith(counting);
    const all = () => ({
      db: resource(generator, "cluster", DB),
      other: resource(generator, "cluster", cluster("other")),
      table: resource(generator, "route", "9080"),
      listener: resource(generator, "listener", LISTENER),
    });
    const before = all();
    assert.equal(json(generator, "cluster", DB).alt_stat_name, "1");
    apply({ workloads: { puts: [MORE], deletes: [] } });
    assert.equal(json(generator, "cluster", DB).alt_stat_name, "2");
    const after = all();
    assert.notEqual(after.db, before.db);
    assert.equal(after.other, before.other);
    assert.equal(after.table, before.table);
    assert.equal(after.listener, before.listener);
  });
});

describe("the patches of a class", () => {
  /** Patches that a DestinationRule for `patches.example` asks for: at clusters alone. */
  const ruled: PatchSource<Scope> = {
    patches(scope, point) {
      if (point !== "cluster") return [];
      const rule = scope.virtualService("patches.example", "http");
      if (!rule) return [];
      return [
        patchOf(
          {
            cluster: (_scope, built) => ({ ...built, message: { ...built.message, altStatName: rule.name } }),
          },
          rule.key,
        ),
      ];
    },
  };

  it("are found anew when what they come from changes, and what has such patches is made anew", () => {
    const { generator, apply } = meshWith(ruled);
    const before = { table: resource(generator, "route", "9080"), listener: resource(generator, "listener", LISTENER) };
    assert.notEqual(json(generator, "cluster", DB).alt_stat_name, "mine");
    const rule = object("VirtualService", "mine", {
      hosts: ["patches.example"],
      http: [{ route: [{ destination: { host: "other" } }] }],
    });
    apply({ config: { puts: [rule], deletes: [] } });
    assert.equal(json(generator, "cluster", DB).alt_stat_name, "mine");
    // Nothing patches these.
    assert.equal(resource(generator, "listener", LISTENER), before.listener);
    assert.equal(resource(generator, "route", "9080"), before.table);
    apply({ config: { puts: [], deletes: ["networking.istio.io/VirtualService/default/mine"] } });
    assert.notEqual(json(generator, "cluster", DB).alt_stat_name, "mine");
  });

  it("are tried again at an object where they failed when what they read has changed", () => {
    const { generator, apply } = meshWith(
      sourceOf(
        patchOf({
          cluster: (scope, built) => {
            if (built.name !== DB) return built;
            const ratings = scope.service(host("ratings"));
            if (!ratings || scope.endpoints(ratings).length < 2) throw new Error("too few");
            return { ...built, message: { ...built.message, altStatName: "enough" } };
          },
        }),
      ),
    );
    assert.deepEqual(
      resource(generator, "cluster", DB)?.patchErrors?.map((each) => each.configKey),
      [KEY],
    );
    apply({ workloads: { puts: [MORE], deletes: [] } });
    assert.equal(resource(generator, "cluster", DB)?.patchErrors, undefined);
    assert.equal(json(generator, "cluster", DB).alt_stat_name, "enough");
  });
});
