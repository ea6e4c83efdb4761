import type { Registry } from "@bufbuild/protobuf";

let loaded: Registry | undefined;

/** Loads the whole API, with every type that an Any may hold. It takes a second and some memory: only who reads users' Envoy JSON needs it. */
export async function loadWholeApi(): Promise<Registry> {
  loaded ??= (await import("@xebec/api-envoy/registry")).registry;
  return loaded;
}

/** The whole API; undefined until it was loaded. */
export function wholeApi(): Registry | undefined {
  return loaded;
}
