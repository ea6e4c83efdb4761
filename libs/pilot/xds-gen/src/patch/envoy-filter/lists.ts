import type { Operation } from "./compiled.ts";

/**
 * Puts an object into a list as an operation says it (docs/reference/pilot.md §3.6.3).
 * @param isMeant whether a patch's match means an object of the list; undefined for a match that names none
 * @returns the very list where nothing is put
 */
export function inserted<T>(
  list: readonly T[],
  operation: Operation,
  isMeant: ((each: T) => boolean) | undefined,
  make: () => T,
): readonly T[] {
  const at = isMeant ? list.findIndex(isMeant) : -1;
  switch (operation) {
    case "ADD":
      return [...list, make()];
    case "INSERT_FIRST":
      return [make(), ...list];
    case "INSERT_BEFORE":
      if (!isMeant) return [make(), ...list];
      return at < 0 ? list : [...list.slice(0, at), make(), ...list.slice(at)];
    case "INSERT_AFTER":
      if (!isMeant) return [...list, make()];
      return at < 0 ? list : [...list.slice(0, at + 1), make(), ...list.slice(at + 1)];
    case "REPLACE":
      return at < 0 ? list : [...list.slice(0, at), make(), ...list.slice(at + 1)];
    default:
      return list;
  }
}

/** Operations that put an object where there is none: all the same where there is no order. */
export function isAdding(operation: Operation): boolean {
  return operation === "ADD" || operation.startsWith("INSERT_");
}
