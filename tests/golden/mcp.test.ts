// Objects of every kind go over MCP and come back as they were.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ResourceSchema } from "@xebec/api-mesh/istio/mcp/v1alpha1/mcp";
import { COLLECTIONS, decodeObject, encodeObject } from "@xebec/galley-mcp";
import { validateObject } from "@xebec/galley-validate";
import fc from "fast-check";
import { arbitraryObject } from "./arbitrary-spec.ts";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}
type Message = (typeof COLLECTIONS)[number]["body"];

/** What Istio's messages have not: the name of `exportTo` before 1.1, which has no effect, and that of `match`, which is sent as `match`. */
const WITHOUT = ["spec.configScope", "spec.selector"];

/** Paths of a schema that its message has not. */
function missing(schema: Schema, message: Message | undefined, path: string, found: string[], depth = 0): string[] {
  if (!message || message.typeName.startsWith("google.protobuf.") || depth > 12) return found;
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const field = message.fields.find(({ jsonName }) => jsonName === name);
    if (!field) {
      found.push(`${path}.${name}`);
      continue;
    }
    const next = "message" in field ? field.message : undefined;
    const inner = each.items ?? Object.values(each.patternProperties ?? {})[0] ?? each;
    for (const one of inner.anyOf ?? [inner]) missing(one, next, `${path}.${name}`, found, depth + 1);
  }
  return found;
}

describe("objects over MCP", () => {
  for (const collection of COLLECTIONS) {
    const { kind, body } = collection;
    if (!kind) continue;
    it(`${collection.name} has every field of ${kind.kind}`, () =>
      assert.deepEqual(
        missing(kind.schema as Schema, body, "spec", []).filter((each) => !WITHOUT.includes(each)),
        [],
      ));
    it(`${kind.kind} comes back as it was`, () =>
      fc.assert(
        fc.property(arbitraryObject(kind.kind), (value) => {
          const first = validateObject({ value });
          if (first.outcome !== "accepted") return;
          const { bytes } = encodeObject(collection, first.resource);
          const again = validateObject({ value: decodeObject(collection, fromBinary(ResourceSchema, bytes)) });
          assert.ok(again.outcome === "accepted", JSON.stringify({ again, spec: first.resource.spec }));
          assert.deepEqual(encodeObject(collection, again.resource).bytes, bytes);
        }),
        { numRuns: 60, seed: 20_261_129 },
      ));
  }
});
