import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { camelCase, nodeOf, type SchemaNode } from "@xebec/model-schema";
import { istioKinds, type TypeNode } from "./istio-crds.testkit.ts";
import { kindOf, unsupportedKindOf } from "./kinds.ts";

// Istio's own CRDs (of 1.29, as types in a package) are the oracle: whatever they have, our schemas know.

/** What the schema lacks, or has in another form, as `path: what`. */
function differences(node: SchemaNode, type: TypeNode, path: string): string[] {
  if (type.items) {
    if (node.type === "array" && node.items) return differences(node.items, type.items, `${path}[]`);
    return [`${path}: is a list`];
  }
  if (type.values) {
    const [values] = Object.values(node.patternProperties ?? {});
    if (values) return differences(values, type.values, `${path}{}`);
    return node.type === "object" && node.additionalProperties === true ? [] : [`${path}: is a map`];
  }
  if (type.literals) {
    const known = [...(node.enum ?? []), ...Object.keys(node.unsupported ?? {})];
    const numbered = Object.keys(node.numbers ?? {});
    return type.literals
      .filter((each) => !known.includes(each) || !numbered.includes(each))
      .map((each) => `${path}: has the value ${each}`);
  }
  if (type.fields) return inFields(node, type.fields, path);
  const right = { string: ["string"], number: ["integer", "number"], boolean: ["boolean"] }[type.name ?? ""] ?? [];
  return right.includes(node.type ?? "") || node.type === undefined ? [] : [`${path}: is a ${type.name}`];
}

function inFields(node: SchemaNode, fields: Readonly<Record<string, TypeNode>>, path: string): string[] {
  if (node.type !== "object") return [`${path}: is a message`];
  return Object.entries(fields).flatMap(([given, type]) => {
    const name = camelCase(given);
    const known = node.properties?.[name];
    if (known) return differences(known, type, `${path}.${name}`);
    return Object.hasOwn(node.unsupported ?? {}, name) ? [] : [`${path}.${name}: is missing`];
  });
}

describe("Istio's CRDs", () => {
  const kinds = istioKinds();

  it("are read whole", () => {
    assert.ok(kinds.length >= 30, `${kinds.length} kinds`);
    const rule = kinds.find(({ kind }) => kind === "DestinationRule")?.spec;
    assert.deepEqual(rule?.fields?.subsets?.items?.fields?.labels, { values: { name: "string" } });
    assert.equal(
      rule?.fields?.trafficPolicy?.fields?.portLevelSettings?.items?.fields?.port?.fields?.number?.name,
      "number",
    );
  });

  for (const { group, version, kind, spec } of kinds) {
    const supported = kindOf(group, kind);
    it(`${group}/${version} ${kind} is ${supported ? "in our schema with all of its fields" : "known as not supported"}`, () => {
      assert.ok((supported ?? unsupportedKindOf(group, kind))?.versions.includes(version), `version ${version}`);
      if (supported) assert.deepEqual(differences(nodeOf(supported.schema), spec, "spec"), []);
    });
  }
});
