import { REASONS, type ReasonOf } from "@xebec/model-resources";
import type { KnownProxies, ObjectCondition } from "./kind.ts";

/** An object in effect, whole or but for some parts. @param ineffective what has no effect, as `path: why` */
export function attached(key: string, ineffective: readonly string[], message = ""): ObjectCondition {
  return {
    key,
    reason: ineffective.length > 0 ? "PartlyResolved" : "Attached",
    message: [message, ...ineffective].filter(Boolean).join("; "),
  };
}

/** An object without effect. */
export function ignored(key: string, reason: ReasonOf<"pilot", "ignored">, message: string): ObjectCondition {
  return { key, reason, message };
}

/** An object that would be in effect is not while nothing of it is in the configuration of a connected proxy. @param hint why, if it is known */
export function unlessUnused(condition: ObjectCondition, { use }: KnownProxies, hint = ""): ObjectCondition {
  const { key, reason, message } = condition;
  if (!use || REASONS.pilot[reason] !== "attached" || use.configKeys.has(key)) return condition;
  const unused = `no proxy that is connected got anything of it${hint}`;
  return ignored(key, "NoProxyAffected", [unused, message].filter(Boolean).join("; "));
}
