import { toBinary } from "@bufbuild/protobuf";
import { BootstrapSchema } from "@xebec/api-envoy/envoy/config/bootstrap/v3/bootstrap";
import { encodedResource } from "../encode/resource.ts";
import { addition } from "../patch/addition.ts";
import type { Scope } from "../scope/scope.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";

/**
 * What patches add to the bootstrap of a proxy: one resource without a name, which the agent merges into the bootstrap that it has made.
 * Encoded messages one behind the other are one message, merged as protobuf merges.
 */
export function bootstraps(scope: Scope): ResourceSet {
  return scope.cached("set/bds", (inner) => {
    const parts: Uint8Array[] = [];
    const configKeys: string[] = [];
    for (const each of inner.additions("bootstrap")) {
      const patch = addition(inner, each, () => each.bootstrap?.(inner));
      if (!patch) continue;
      parts.push(toBinary(BootstrapSchema, patch));
      if (!configKeys.includes(each.configKey)) configKeys.push(each.configKey);
    }
    return resourceSet([encodedResource("", Buffer.concat(parts), configKeys)]);
  });
}
