interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, object>>;
  readonly patternProperties?: Readonly<Record<string, object>>;
  readonly items?: object;
  readonly noEffect?: string;
}

/**
 * The fields of a kind that hold a value, from its schema: `http[].match[].uri.exact`. A list is `[]`, a map with names of the
 * user's own `{}`.
 */
export function fieldsOf(schema: object, path = ""): string[] {
  const { type, properties, patternProperties, items } = schema as Node;
  if (type === "array" && items) return fieldsOf(items, `${path}[]`);
  const [values] = Object.values(patternProperties ?? {});
  if (values) return fieldsOf(values, `${path}{}`);
  const list = Object.entries(properties ?? {});
  if (list.length === 0) return [path];
  return list.flatMap(([name, each]) => fieldsOf(each, path ? `${path}.${name}` : name));
}

/** Those of them of which the schema says that they have no effect. */
export function fieldsWithoutEffect(schema: object, path = ""): string[] {
  const { noEffect, properties, patternProperties, items } = schema as Node;
  if (noEffect !== undefined) return fieldsOf(schema, path);
  if (items) return fieldsWithoutEffect(items, `${path}[]`);
  const [values] = Object.values(patternProperties ?? {});
  if (values) return fieldsWithoutEffect(values, `${path}{}`);
  return Object.entries(properties ?? {}).flatMap(([name, each]) =>
    fieldsWithoutEffect(each, path ? `${path}.${name}` : name),
  );
}
