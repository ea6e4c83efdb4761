import type { BuiltVirtualHost } from "../build/built.ts";
import type { Scope } from "../scope/scope.ts";
import { addition } from "./addition.ts";
import type { PatchFunction, PatchPlace, PatchPoint, PatchTargets } from "./patch.ts";
import type { PatchError } from "./patch-error.ts";
import { patchMark } from "./patch-mark.ts";

/** Throws when a target cannot be encoded. */
export type EncodingCheck = <P extends PatchPoint>(point: P, target: PatchTargets[P]) => void;

/** Applies the patches of a class to one object and the pieces that it is made of, and notes what came of it. */
export class PatchRun {
  readonly errors: PatchError[] = [];
  /** Keys of the objects whose patches changed something. */
  readonly contributors = new Set<string>();
  /** Marks of the patches that changed, removed or added something. */
  readonly marks = new Set<string>();
  readonly #scope: Scope;
  readonly #check: EncodingCheck | undefined;

  /** @param check when given, a patch whose result does not pass it is left out, too */
  constructor(scope: Scope, check?: EncodingCheck) {
    this.#scope = scope;
    this.#check = check;
  }

  /** The virtual hosts that patches add to a route table. */
  addedVirtualHosts(table: string): readonly BuiltVirtualHost[] {
    const added = this.#scope
      .additions("virtualHost")
      .flatMap((each) => addition(this.#scope, each, () => each.virtualHosts?.(this.#scope, table)) ?? []);
    for (const { configKeys } of added) for (const key of configKeys) this.contributors.add(key);
    return added;
  }

  /**
   * @param removedBy gets the key of the patch that removes the target: the object around the target is changed by it
   * @returns the target with all patches of its point; undefined when one of them removed it
   */
  apply<P extends PatchPoint>(
    point: P,
    target: PatchTargets[P],
    place: PatchPlace,
    removedBy?: string[],
  ): PatchTargets[P] | undefined {
    let current = target;
    for (const patch of this.#scope.patches(point)) {
      const { configKey, path } = patch;
      let next: PatchTargets[P] | undefined = current;
      try {
        const change: PatchFunction<Scope, P> | undefined = patch.at[point];
        if (change) next = change(this.#scope, current, place);
        if (next === undefined && point === "routeConfiguration")
          throw new Error("a route configuration cannot be removed: listeners wait for it");
        if (next !== undefined && next !== current) this.#check?.(point, next);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.errors.push({ configKey, ...(path ? { path } : {}), point, target: nameOf(current), message });
        continue;
      }
      if (next === current) continue;
      this.contributors.add(configKey);
      this.marks.add(patchMark(patch));
      if (next === undefined) {
        removedBy?.push(configKey);
        return undefined;
      }
      current = withKeys(next, [configKey]);
    }
    return current;
  }
}

function nameOf(target: PatchTargets[PatchPoint]): string {
  return "name" in target ? target.name : (target.message.name ?? "");
}

/** An object with more keys behind it; the object itself when it has them. */
export function withKeys<T extends { readonly configKeys: readonly string[] }>(built: T, keys: readonly string[]): T {
  const more = keys.filter((key) => !built.configKeys.includes(key));
  return more.length === 0 ? built : { ...built, configKeys: [...built.configKeys, ...more] };
}
