import { ClusterSchema } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { FilterChainSchema, FilterSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import { RouteSchema, VirtualHostSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { HttpFilterSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { PatchPoint, PatchTargets } from "../patch/patch.ts";
import type { PatchError } from "../patch/patch-error.ts";
import { PatchRun } from "../patch/patch-run.ts";
import type { Scope } from "../scope/scope.ts";
import { filterChainMessage, listenerMessage, networkFilterMessage, virtualHostMessage } from "./messages.ts";
import { noteUnpatched } from "./unpatched.ts";
import { bytesOf } from "./wire.ts";

const NO_ERRORS: readonly PatchError[] = [];

const ENCODE: { readonly [P in PatchPoint]: (target: PatchTargets[P]) => Uint8Array } = {
  cluster: ({ name, message }) => bytesOf(ClusterSchema, { ...message, name }),
  listener: (listener) => bytesOf(ListenerSchema, listenerMessage(listener)),
  filterChain: (chain) => bytesOf(FilterChainSchema, filterChainMessage(chain)),
  networkFilter: (filter) => bytesOf(FilterSchema, networkFilterMessage(filter)),
  httpFilter: ({ name, message }) => bytesOf(HttpFilterSchema, { ...message, name }),
  routeConfiguration: ({ name, message }) => bytesOf(RouteConfigurationSchema, { ...message, name }),
  virtualHost: (host) => bytesOf(VirtualHostSchema, virtualHostMessage(host)),
  route: ({ message }) => bytesOf(RouteSchema, message),
};

/** The bytes of what a builder made. */
export function encoded<P extends PatchPoint>(point: P, target: PatchTargets[P]): Uint8Array {
  return ENCODE[point](target);
}

/**
 * Patches an object and encodes it. A patch that throws, or whose result cannot be encoded, is left out where it does, and only
 * there.
 * @param patch the object with the patches of a run
 * @param encode gets the patches that were left out, too
 * @returns undefined when a patch removed the object
 * @throws Error when the object cannot be encoded without patches
 */
export function patchAndEncode<T, E extends object>(
  scope: Scope,
  built: T,
  patch: (run: PatchRun, built: T) => T | undefined,
  encode: (built: T, errors: readonly PatchError[]) => E,
): E | undefined {
  if (!scope.isPatched) return encode(built, NO_ERRORS);
  const run = new PatchRun(scope);
  const patched = patch(run, built);
  if (patched === undefined) return marked(undefined, run);
  try {
    return noted(encode(patched, run.errors), run);
  } catch (error) {
    if (run.contributors.size === 0) throw error;
  }
  // Once more, and now each patch has to show that what it makes can be encoded.
  const careful = new PatchRun(scope, encoded);
  const sound = patch(careful, built);
  return sound ? noted(encode(sound, careful.errors), careful) : marked(undefined, careful);

  function noted(resource: E, of: PatchRun): E {
    if (of.contributors.size > 0) noteUnpatched(resource, () => encode(built, NO_ERRORS));
    return marked(resource, of);
  }
  function marked<R>(result: R, { marks }: PatchRun): R {
    for (const each of marks) scope.note(each);
    return result;
  }
}
