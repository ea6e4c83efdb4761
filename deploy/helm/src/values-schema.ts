import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";
import type { JsonSchema } from "./json-schema.ts";

/** Schemas of values that their default does not show, by path: `pilot.options`, `*.resources` for every component. */
export type Known = Readonly<Record<string, JsonSchema>>;

/** The key below which a chart with profiles keeps its defaults; users write the same keys at the top. */
const DEFAULTS = "_internal_defaults_do_not_set";

/**
 * Makes the schema of a chart's values from its values.yaml: names and types of the defaults, descriptions of the comments above them. A
 * value that is not named there is refused, so that a typo does not pass in silence.
 * @param text values.yaml
 * @param known what the defaults do not show; a map or list that is empty by default takes anything without it
 * @throws Error for a path of `known` that the values do not have
 */
export function valuesSchema(text: string, title: string, known: Known): JsonSchema {
  const used = new Set<string>();
  const root = parseDocument(text).contents;
  if (!isMap(root)) throw new Error("values.yaml is not a map");
  const schema = objectSchema(root, "", known, used);
  for (const path of Object.keys(known))
    if (!used.has(path)) throw new Error(`the values have no ${path}, which a schema is given for`);
  const { [DEFAULTS]: defaults, ...own } = schema.properties ?? {};
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title,
    type: "object",
    properties: {
      ...own,
      ...(defaults ? { [DEFAULTS]: { type: "object" }, ...defaults.properties } : {}),
      // Helm hands these to every chart that is part of another.
      ...(own.global || defaults?.properties?.global ? {} : { global: { type: "object" } }),
    },
    additionalProperties: false,
  };
}

function objectSchema(map: YAMLMap, path: string, known: Known, used: Set<string>): JsonSchema {
  const properties = (map.items as Pair<Node, Node | null>[]).map((pair, i): [string, JsonSchema] => {
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
    const at = path === "" || path === DEFAULTS ? name : `${path}.${name}`;
    const comment = (i === 0 ? map.commentBefore : undefined) ?? pair.key?.commentBefore ?? undefined;
    const description = comment?.replace(/^ ?/gm, "").replaceAll("\n", " ").trim();
    return [name, { ...(description ? { description } : {}), ...schemaOf(pair.value, at, known, used) }];
  });
  return { type: "object", properties: Object.fromEntries(properties), additionalProperties: false };
}

function schemaOf(node: Node | null, path: string, known: Known, used: Set<string>): JsonSchema {
  const last = `*.${path.split(".").at(-1)}`;
  for (const key of [path, last])
    if (known[key]) {
      used.add(key);
      return known[key];
    }
  if (isMap(node))
    return node.items.length > 0
      ? objectSchema(node, path, known, used)
      : { type: "object", additionalProperties: true };
  if (isSeq(node)) return { type: "array" };
  const value = isScalar(node) ? node.value : null;
  if (typeof value === "string") return { type: "string" };
  if (typeof value === "boolean") return { type: "boolean" };
  if (typeof value === "number") return { type: "number" };
  return {};
}
