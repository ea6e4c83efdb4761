import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { FilterChainSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import type { BuiltFilterChain, BuiltListener } from "../build/built.ts";
import { patchListener } from "../patch/apply.ts";
import type { PatchError } from "../patch/patch-error.ts";
import type { Scope } from "../scope/scope.ts";
import { contentHash, type EncodedResource, type ResourcePart } from "./encoded.ts";
import { encoded, patchAndEncode } from "./patched.ts";
import { encodedFields, stringField } from "./wire.ts";

const { filterChains: CHAINS, defaultFilterChain: DEFAULT_CHAIN } = ListenerSchema.field;

/** A listener: the filter chains are its parts. */
class EncodedListener implements EncodedResource {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly configKeys: readonly string[];
  readonly patchErrors?: readonly PatchError[];
  /** The keys of each filter chain, the default one last: what was built is not kept. */
  readonly #chainKeys: readonly (readonly string[])[];

  constructor(listener: BuiltListener, errors: readonly PatchError[]) {
    const { filterChains, defaultFilterChain: last } = listener;
    this.name = listener.name;
    this.bytes = encoded("listener", listener);
    this.version = contentHash(this.bytes);
    this.#chainKeys = [...filterChains, ...(last ? [last] : [])].map(keysOf);
    this.configKeys = [...new Set([...listener.configKeys, ...this.#chainKeys.flat()])];
    if (errors.length > 0) this.patchErrors = errors;
  }

  get parts(): readonly ResourcePart[] {
    const parts: ResourcePart[] = [];
    for (const { number, bytes } of encodedFields(this.bytes)) {
      if (number !== CHAINS.number && number !== DEFAULT_CHAIN.number) continue;
      const name = stringField(bytes, FilterChainSchema.field.name.number);
      const configKeys = this.#chainKeys[parts.length] ?? [];
      parts.push({ kind: "filterChain", name, version: contentHash(bytes), configKeys });
    }
    return parts;
  }
}

/** Patches listeners and encodes them; those that a patch removed are left out. */
export function encodeListeners(scope: Scope, listeners: readonly BuiltListener[]): EncodedResource[] {
  return listeners.flatMap(
    (built) =>
      patchAndEncode(scope, built, patchListener, (listener, errors) => new EncodedListener(listener, errors)) ?? [],
  );
}

/** The keys of a chain and of all that it is made of. */
function keysOf(chain: BuiltFilterChain): readonly string[] {
  const keys = new Set(chain.configKeys);
  const add = (more: readonly { readonly configKeys: readonly string[] }[]): void => {
    for (const { configKeys } of more) for (const key of configKeys) keys.add(key);
  };
  add(chain.filters);
  for (const { http } of chain.filters) {
    if (!http) continue;
    add(http.httpFilters);
    if (http.routes)
      add([http.routes, ...http.routes.virtualHosts, ...http.routes.virtualHosts.flatMap((each) => each.routes)]);
  }
  return keys.size === chain.configKeys.length ? chain.configKeys : [...keys];
}
