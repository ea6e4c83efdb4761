import type { PatchId } from "./patch.ts";

/**
 * What a scope notes of a patch that has changed, added or removed something: a key that nothing ever invalidates. So the cache knows
 * which patches are in its entries, also of what is not there any more because of them.
 */
export function patchMark({ configKey, path = "" }: PatchId): string {
  return `patched/${configKey} ${path}`;
}
