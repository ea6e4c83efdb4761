import { networkOfAddress } from "../endpoint/networks.ts";
import { keyed } from "./keyed.ts";
import type { Place } from "./place.ts";
import type { MeshProxy } from "./proxy.ts";
import type { Scope } from "./scope.ts";

/** Where a proxy is: as its node says, else as its pod and the mesh's networks do. */
export function placeOf(scope: Scope, proxy: MeshProxy): Place {
  const { key: _key, ...known } = proxy.place;
  const network = known.network || networkOfAddress(scope.mesh, proxy.ip, true);
  if (known.locality) return network === known.network ? proxy.place : keyed({ ...known, network });
  const pod = scope.pod({ name: proxy.pod.split(".")[0] as string, ip: proxy.ip });
  return keyed({ ...known, network, locality: pod?.locality ?? "" });
}
