import { logger } from "@xebec/core-log";
import type { Scope } from "../scope/scope.ts";
import type { Addition } from "./patch.ts";

const log = logger("patch");

/** What an object adds; nothing where that cannot be made, which disturbs nobody else. */
export function addition<T>(
  { proxyClass }: Scope,
  { configKey }: Addition<Scope>,
  make: () => T | undefined,
): T | undefined {
  try {
    return make();
  } catch (error) {
    log.warn({ object: configKey, namespace: proxyClass.namespace, err: error }, "what it adds cannot be made");
    return undefined;
  }
}
