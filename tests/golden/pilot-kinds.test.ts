// What every module of a configuration kind keeps to. A new kind is tested as soon as it stands in the registry of kinds.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { validateObject } from "@xebec/galley-validate";
import { KINDS, keyOf, type Resource } from "@xebec/model-resources";
import { type AnyKind, CONFIG_KINDS, dependency, type Snapshot, snapshotParts } from "@xebec/pilot-snapshot";
import { MeshBuilder, service } from "@xebec/pilot-snapshot/testkit";
import fc from "fast-check";
import { arbitraryObject } from "./arbitrary-spec.ts";

const RUNS = { numRuns: 25, seed: 20_261_129 };
/** Conditions do not depend on proxies here. */
const PROXIES = { routers: [{ app: "v1" }], use: undefined };
/** Of a group with many kinds these are enough. */
const SOME = new Set([
  "Policy",
  "MeshPolicy",
  "ClusterRbacConfig",
  "RbacConfig",
  "ServiceRole",
  "ServiceRoleBinding",
  "rule",
  "instance",
  "handler",
  "quota",
  "metric",
  "checknothing",
]);

const schemaKinds = ({ group, kind }: AnyKind): readonly string[] =>
  KINDS.filter((each) => each.group === group && (kind === undefined ? SOME.has(each.kind) : each.kind === kind)).map(
    (each) => each.kind,
  );
const isOf = ({ group, kind }: AnyKind, key: string): boolean =>
  key.startsWith(kind ? `${group}/${kind}/` : `${group}/`);

/** Valid objects of a kind, some of them versions of one object; undefined where validation refuses one. */
function objectsOf(kind: AnyKind): fc.Arbitrary<Resource[]> {
  const object = fc
    .tuple(fc.oneof(...schemaKinds(kind).map(arbitraryObject)), fc.constantFrom("a", "b"), fc.nat(1))
    .map(([value, name, day]): Resource | undefined => {
      const { metadata } = value as { metadata: { name: string } };
      const named = metadata.name === "random" ? { ...metadata, name } : metadata;
      const aged = { ...named, creationTimestamp: `2026-01-0${day + 1}T00:00:00Z` };
      const result = validateObject({ value: { ...value, metadata: aged } });
      return result.outcome === "accepted" ? result.resource : undefined;
    });
  return fc.array(object, { minLength: 20, maxLength: 40 }).map((all) => all.filter((each) => each !== undefined));
}

function mesh(): MeshBuilder {
  const builder = new MeshBuilder();
  builder.apply({ workloads: { puts: [...service("reviews"), ...service("mongo")], deletes: [] } });
  return builder;
}
const put = (builder: MeshBuilder, ...puts: Resource[]) => builder.apply({ config: { puts, deletes: [] } });
const remove = (builder: MeshBuilder, ...deletes: string[]) => builder.apply({ config: { puts: [], deletes } });

/** Everything that a snapshot has, by dependency key, as sorted text. */
function content(snapshot: Snapshot): string[] {
  return snapshotParts(snapshot)
    .map(([key, part]) => `${key} ${JSON.stringify(part)}`)
    .sort();
}
const keysIn = (...snapshots: Snapshot[]): Set<string> =>
  new Set(snapshots.flatMap((each) => snapshotParts(each).map(([key]) => key)));
const conditionsIn = (kind: AnyKind, snapshot: Snapshot) =>
  [...(kind.conditions?.(snapshot, PROXIES) ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));

for (const kind of CONFIG_KINDS)
  describe(`the module of ${kind.group}/${kind.kind ?? "*"}`, () => {
    it("has a schema to be tested by", () => assert.ok(schemaKinds(kind).length > 0));

    it("comes back to the first state when what was put is removed", () => {
      let accepted = 0;
      fc.assert(
        fc.property(objectsOf(kind), (objects) => {
          accepted += objects.length;
          const builder = mesh();
          const before = content(builder.snapshot);
          for (const each of objects) put(builder, each);
          remove(builder, ...objects.map(keyOf));
          assert.deepEqual(content(builder.snapshot), before);
        }),
        RUNS,
      );
      assert.ok(accepted >= RUNS.numRuns, `only ${accepted} objects were valid`);
    });

    it("names what it changes by keys of its own, and leaves what others have as it is", () => {
      const other = CONFIG_KINDS.filter((each) => each !== kind);
      fc.assert(
        fc.property(objectsOf(kind), (objects) => {
          const builder = mesh();
          for (const each of objects) {
            const before = builder.snapshot;
            const { snapshot, changed } = put(builder, each);
            const known = keysIn(before, snapshot).add(dependency.selectorLabels);
            for (const key of changed) assert.ok(known.has(key), `${key} is the key of nothing`);
            for (const one of other)
              for (const [key] of one.parts(snapshot)) assert.ok(!changed.has(key), `${key} is another kind's`);
            const old = new Set(snapshotParts(before).map(([, part]) => part));
            for (const [key, part] of snapshotParts(snapshot))
              assert.ok(changed.has(key) || old.has(part), `${key} changed and was not named`);
          }
        }),
        RUNS,
      );
    });

    it("gives each object one condition, the same in whatever order objects came, and however often", () => {
      fc.assert(
        fc.property(objectsOf(kind), (objects) => {
          const builder = mesh();
          for (const each of objects) put(builder, each);
          const found = conditionsIn(kind, builder.snapshot);
          const keys = found.map((each) => each.key);
          assert.equal(new Set(keys).size, keys.length);
          for (const key of keys) assert.ok(isOf(kind, key), `${key} is not an object of the kind`);
          const last = [...new Map(objects.map((each) => [keyOf(each), each])).values()];
          const whole = mesh();
          put(whole, ...last.toReversed());
          assert.deepEqual(conditionsIn(kind, whole.snapshot), found);
          put(builder, ...structuredClone(last));
          assert.deepEqual(conditionsIn(kind, builder.snapshot), found);
        }),
        RUNS,
      );
    });
  });
