import { type Fields, isFields } from "./fields.ts";

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

/** How deep maps are compared field by field: below, they are replaced whole. */
const DEPTH = 3;

/**
 * The operations that make one object of another. What is the same object in both is not looked at: the new one is made of the parts
 * of the old one.
 */
export function patchOf(before: Fields, after: Fields): PatchOperation[] {
  const operations: PatchOperation[] = [];
  compareMaps(before, after, "", DEPTH, operations);
  return operations;
}

/** Applies a patch as an API server does, to a copy. It takes what `patchOf` makes, and no more. */
export function applyPatch(object: Fields, operations: readonly PatchOperation[]): Fields {
  const result = structuredClone(object) as Record<string, unknown>;
  for (const { op, path, value } of operations) {
    const keys = path
      .slice(1)
      .split("/")
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() as string;
    const parent = keys.reduce<unknown>((each, key) => (each as Record<string, unknown>)[key], result);
    if (Array.isArray(parent)) {
      if (last === "-") parent.push(value);
      else parent[Number(last)] = value;
    } else if (op === "remove") delete (parent as Record<string, unknown>)[last];
    else (parent as Record<string, unknown>)[last] = value;
  }
  return result;
}

function compareMaps(before: Fields, after: Fields, path: string, depth: number, operations: PatchOperation[]): void {
  for (const key in before)
    if (after[key] === undefined) operations.push({ op: "remove", path: `${path}/${escapePointer(key)}` });
  for (const key in after) {
    const [old, value] = [before[key], after[key]];
    if (value === undefined || value === old) continue;
    const place = `${path}/${escapePointer(key)}`;
    if (old === undefined) operations.push({ op: "add", path: place, value });
    else if (depth > 1 && isFields(old) && isFields(value)) compareMaps(old, value, place, depth - 1, operations);
    else if (Array.isArray(old) && Array.isArray(value)) compareLists(old, value, place, operations);
    else if (JSON.stringify(old) !== JSON.stringify(value)) operations.push({ op: "replace", path: place, value });
  }
}

/** Items that are only added or changed are named one by one; a list in another order is replaced. */
function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
  operations: PatchOperation[],
): void {
  const inOrder = before.length <= after.length && before.every((each, index) => nameOf(each) === nameOf(after[index]));
  if (!inOrder) {
    if (JSON.stringify(before) !== JSON.stringify(after)) operations.push({ op: "replace", path, value: after });
    return;
  }
  for (const [index, value] of after.entries())
    if (index >= before.length) operations.push({ op: "add", path: `${path}/-`, value });
    else if (value !== before[index] && JSON.stringify(value) !== JSON.stringify(before[index]))
      operations.push({ op: "replace", path: `${path}/${index}`, value });
}

function nameOf(value: unknown): unknown {
  return isFields(value) ? value.name : value;
}

/** RFC 6901. */
function escapePointer(key: string): string {
  return key.includes("~") || key.includes("/") ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}
