// What galley makes of an object that was well and is changed to what its schema forbids: it knows whose last good form to keep.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { validateObject } from "@xebec/galley-validate";
import { KINDS, type Kind, keyOf } from "@xebec/model-resources";
import fc from "fast-check";
import { arbitraryObject } from "./arbitrary-spec.ts";

const RUNS = { numRuns: 60, seed: 20_261_129 };

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}
type Path = readonly (string | number)[];

/** A value of a type that the schema does not have at a place. */
const WRONG: Readonly<Record<string, unknown>> = {
  object: "text",
  array: { text: 1 },
  string: ["text"],
  boolean: "yes",
  integer: { text: 1 },
  number: { text: 1 },
};

/** Every place in a value for which the schema says a type. */
function places(schema: Node, value: unknown, path: Path = []): [Path, Node][] {
  const [pattern] = Object.values(schema.patternProperties ?? {});
  const below = Array.isArray(value)
    ? value.flatMap((each, i) => (schema.items ? places(schema.items, each, [...path, i]) : []))
    : Object.entries(value !== null && typeof value === "object" ? value : {}).flatMap(([name, each]) => {
        const field = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : pattern;
        return field ? places(field, each, [...path, name]) : [];
      });
  return schema.type && Object.hasOwn(WRONG, schema.type) ? [[path, schema], ...below] : below;
}

function put(value: unknown, [first, ...rest]: Path, wrong: unknown): unknown {
  if (first === undefined) return wrong;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  (copy as Record<string | number, unknown>)[first] = put(
    (value as Record<string | number, unknown>)[first],
    rest,
    wrong,
  );
  return copy;
}

/** The object with a value of the wrong type somewhere in its spec. */
function violated({ schema }: Kind, object: Record<string, unknown>, pick: number): Record<string, unknown> {
  const all = places(schema as Node, object.spec);
  const [path, { type = "" }] = all[pick % all.length] as [Path, Node];
  return { ...object, spec: put(object.spec, path, WRONG[type]) };
}

describe("an object that is changed to what its schema forbids is refused under its own name", () => {
  for (const kind of KINDS)
    it(`${kind.group}/${kind.kind}`, () => {
      fc.assert(
        fc.property(arbitraryObject(kind.kind), fc.nat(), fc.boolean(), (object, pick, isMisspelt) => {
          const { metadata } = object as { metadata: { name: string; namespace?: string } };
          const value = isMisspelt
            ? { ...object, spec: { ...(object.spec as object), "x-unknown": 1 } }
            : violated(kind, object, pick);
          const result = validateObject({ value });
          assert.equal(result.outcome, "rejected", JSON.stringify(value.spec));
          if (result.outcome !== "rejected") return;
          const key = keyOf({ group: kind.group, kind: kind.kind, namespace: "", ...metadata });
          assert.equal(result.identity && keyOf(result.identity), key);
          assert.ok(result.violations.length > 0);
        }),
        RUNS,
      );
    });
});
