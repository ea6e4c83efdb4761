/** The full name of an object, `<name>.<kind>.<namespace>`. */
export function fullName(name: string, kind: string, namespace: string): string {
  return `${name}.${kind}.${namespace}`;
}

/**
 * Finds the object that a reference means (docs/reference/mixer.md §7.2): `a`, `a.kind` or `a.namespace`, `a.kind.namespace`.
 * @param known objects by full name
 * @param kind the kind that is meant when none is written
 * @param namespace the namespace of the referring object
 */
export function resolveReference<T>(
  known: ReadonlyMap<string, T>,
  text: string,
  kind: string,
  namespace: string,
): T | undefined {
  const [first = "", second, ...rest] = text.split(".");
  if (second === undefined) return known.get(fullName(first, kind, namespace));
  if (rest.length > 0) return known.get(text);
  return known.get(fullName(first, second, namespace)) ?? known.get(fullName(first, kind, second));
}
