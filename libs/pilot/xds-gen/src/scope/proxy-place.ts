import { keyed } from "./keyed.ts";
import type { Place } from "./place.ts";
import type { MeshProxy } from "./proxy.ts";
import type { Scope } from "./scope.ts";

/** Where a proxy is: as its node says, else as its pod does. */
export function placeOf(scope: Scope, proxy: MeshProxy): Place {
  if (proxy.place.locality) return proxy.place;
  const { key: _key, ...known } = proxy.place;
  const pod = scope.pod({ name: proxy.pod.split(".")[0] as string, ip: proxy.ip });
  return pod?.locality ? keyed({ ...known, locality: pod.locality }) : proxy.place;
}
