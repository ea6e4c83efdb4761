import { logger } from "@xebec/core-log";
import type { Scope } from "../scope/scope.ts";
import type { Addition } from "./patch.ts";
import { patchMark } from "./patch-mark.ts";

const log = logger("patch");

/** What an object adds; nothing where that cannot be made, which disturbs nobody else. */
export function addition<T>(scope: Scope, from: Addition<Scope>, make: () => T | undefined): T | undefined {
  try {
    const added = make();
    if (added !== undefined && !(Array.isArray(added) && added.length === 0)) scope.note(patchMark(from));
    return added;
  } catch (error) {
    const { namespace } = scope.proxyClass;
    log.warn({ object: from.configKey, path: from.path, namespace, err: error }, "what it adds cannot be made");
    return undefined;
  }
}
