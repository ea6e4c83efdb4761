import type { BuiltExtensionConfig } from "../build/built.ts";
import { encodeExtensionConfig } from "../encode/extension-config.ts";
import { extensionConfig } from "../filter/http/registry.ts";
import { addition } from "../patch/addition.ts";
import type { Scope } from "../scope/scope.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/** The filter configurations that a proxy requested by name. A name that no filter knows yields none. */
export function extensionConfigs(scope: Scope, { names: { key, names } }: ResourceRequest): ResourceSet {
  return scope.cached(`set/ecds/${key}`, (inner) =>
    resourceSet(
      names
        .flatMap((name) => extensionConfig(inner, name) ?? addedConfig(inner, name) ?? [])
        .map(encodeExtensionConfig),
    ),
  );
}

/** A configuration that a patch adds. */
function addedConfig(scope: Scope, name: string): BuiltExtensionConfig | undefined {
  for (const each of scope.additions("extensionConfig")) {
    const config = addition(scope, each, () => each.extensionConfig?.(scope));
    if (config?.name === name) return config;
  }
  return undefined;
}
