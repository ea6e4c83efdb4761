/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

/** The operations that add entries to a map of strings. @param before undefined where there is no map */
export function mapPatch(
  path: string,
  before: Readonly<Record<string, string>> | undefined,
  added: Readonly<Record<string, string>>,
): PatchOperation[] {
  if (!before) return [{ op: "add", path, value: added }];
  return Object.entries(added)
    .filter(([key, value]) => before[key] !== value)
    .map(([key, value]) => ({
      op: key in before ? ("replace" as const) : ("add" as const),
      path: `${path}/${escapePointer(key)}`,
      value,
    }));
}

/** RFC 6901. */
function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
