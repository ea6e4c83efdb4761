import { nodeOf, type Path, type SchemaNode, type Violation, violationText } from "@xebec/model-schema";
import type { Kind } from "./kind.ts";
import { kindOf } from "./kinds.ts";

const NOTHING: readonly string[] = [];
/** Specs do not change once they are read, and conditions of thousands are asked for again with every change of one. */
const known = new WeakMap<object, readonly string[]>();

/**
 * What is valid in a spec and yet has no effect: fields that this version does not support yet, and fields that others of the same
 * spec switch off. A user must never have to wonder about a field.
 * @param spec of a kind's object, as validation has read it
 * @returns `path: why`, each
 */
export function ineffectiveFields(group: string, kind: string, spec: object): readonly string[] {
  let found = known.get(spec);
  if (!found) {
    const own = kindOf(group, kind);
    found = own ? findIneffective(own, spec).map(violationText) : NOTHING;
    known.set(spec, found);
  }
  return found;
}

function findIneffective(kind: Kind, spec: object): Violation[] {
  const found = [...(kind.ineffective?.(spec as never) ?? [])];
  // A rule says more than the schema, and speaks for everything below its path.
  const spoken = found.map(({ path }) => path);
  walk(nodeOf(kind.schema), spec, ["spec"], (path, message) => {
    if (!spoken.some((each) => each.every((part, i) => part === path[i]))) found.push({ path, message });
  });
  return found;
}

function walk(node: SchemaNode, value: unknown, path: Path, report: (path: Path, message: string) => void): void {
  // A switch that is off asks for nothing.
  const isOff = node.type === "boolean" && value === false;
  if (node.noEffect !== undefined && !isOff) report(path, node.noEffect);
  else if (!mayBeIneffective(node)) return;
  else if (Array.isArray(value))
    for (const [i, each] of value.entries()) walk(node.items ?? {}, each, [...path, i], report);
  else if (value !== null && typeof value === "object") {
    const [values] = Object.values(node.patternProperties ?? {});
    for (const [name, each] of Object.entries(value))
      walk(values ?? node.properties?.[name] ?? {}, each, [...path, name], report);
  }
}

const memo = new WeakMap<SchemaNode, boolean>();

/** Whether something below a node has no effect: most of a spec need not be looked at. */
function mayBeIneffective(node: SchemaNode): boolean {
  let result = memo.get(node);
  if (result === undefined) {
    const inner = [
      ...(node.items ? [node.items] : []),
      ...Object.values(node.properties ?? {}),
      ...Object.values(node.patternProperties ?? {}),
    ];
    result = node.noEffect !== undefined || inner.some(mayBeIneffective);
    memo.set(node, result);
  }
  return result;
}
