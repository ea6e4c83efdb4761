import assert from "node:assert/strict";
import { basename } from "node:path";
import { describe, it } from "node:test";
import { nodeOf, readProtoJson, type SchemaNode } from "@xebec/model-schema";
import { pairs, specOf } from "./check-spec.testkit.ts";

// Protobuf's JSON form has several spellings of one object. Whatever is published has one.

/** The same object in other spellings: names in snake_case, numbers in strings, enums by number, null beside. */
function respelt(node: SchemaNode, value: unknown): unknown {
  if (node.enum) return node.numbers?.[String(value)];
  if (node.type === "integer" || node.type === "number") return String(value);
  if (Array.isArray(value)) return value.map((each) => respelt(node.items ?? {}, each));
  if (value === null || typeof value !== "object" || node.type !== "object") return value;
  const [values] = Object.values(node.patternProperties ?? {});
  const entries = Object.entries(value).map(([name, each]) => [
    values ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    respelt(values ?? node.properties?.[name] ?? {}, each),
  ]);
  const absent = Object.keys(node.properties ?? {}).find((name) => !Object.hasOwn(value, name));
  return Object.fromEntries(absent && !values ? [...entries, [absent, null]] : entries);
}

/** The fields that a schema has, without messages that are known already: `Destination` need be whole in one place only. */
function titledFields(node: SchemaNode, seen = new Set<string>()): string[] {
  const inner = node.items ?? Object.values(node.patternProperties ?? {})[0];
  if (inner) return titledFields(inner, seen);
  if (!node.properties || seen.has(node.title ?? "")) return [];
  seen.add(node.title ?? "");
  return Object.entries(node.properties).flatMap(([name, each]) => [
    `${node.title}.${name}`,
    ...titledFields(each, seen),
  ]);
}

function titledFieldsIn(value: unknown, node: SchemaNode): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => titledFieldsIn(each, node.items ?? {}));
  const [values] = Object.values(node.patternProperties ?? {});
  if (values) return Object.values(value as object).flatMap((each) => titledFieldsIn(each, values));
  if (!node.properties) return [];
  return Object.entries(value as object).flatMap(([name, each]) => [
    `${node.title}.${name}`,
    ...titledFieldsIn(each, node.properties?.[name] ?? {}),
  ]);
}

/** Fields that are refused whatever they are, or not read. */
const EXCEPT: Readonly<Record<string, RegExp>> = {
  Gateway: /^Port\.targetPort$/,
  Sidecar: /^(SidecarPort\.targetPort|PortSelector\.name)$/,
};

describe("a spec", () => {
  const wholes = pairs().filter(({ path }) => basename(path) === "whole");
  for (const { kind, lines } of wholes) {
    const node = nodeOf(kind.schema);
    const specs = lines.map(specOf).filter((each) => each !== undefined);

    it(`${kind.kind} is read as the same in every spelling`, () => {
      for (const spec of specs) {
        const usual = readProtoJson(kind.schema, spec);
        assert.deepEqual(usual.violations, []);
        const other = readProtoJson(kind.schema, respelt(node, usual.value));
        assert.deepEqual(other.violations, []);
        assert.deepEqual(other.value, usual.value);
      }
    });

    it(`${kind.kind} has an example of each of its fields`, () => {
      const read = specs.map((spec) => readProtoJson(kind.schema, spec).value);
      const given = new Set(read.flatMap((spec) => titledFieldsIn(spec, node)));
      const effective = titledFields(node).filter((each) => !EXCEPT[kind.kind]?.test(each));
      const missing = effective.filter((each) => !given.has(each));
      assert.deepEqual(kind.kind === "MeshConfig" ? [] : missing, []);
    });
  }
});
