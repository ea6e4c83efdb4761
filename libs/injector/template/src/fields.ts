/** A map of Kubernetes' JSON. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** A map, or an empty one for anything else. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** What is at a path of maps; undefined when something on the way is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = isFields(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return found;
}

/** Lays one tree of maps over another; lists and single values are replaced. */
export function overlay(base: unknown, over: unknown): unknown {
  if (over === undefined || over === null) return base;
  if (!isFields(base) || !isFields(over)) return over;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) if (key !== "__proto__") result[key] = overlay(result[key], value);
  return result;
}
