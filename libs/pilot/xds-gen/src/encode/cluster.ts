import type { BuiltCluster } from "../build/built.ts";
import { patchCluster } from "../patch/apply.ts";
import type { Scope } from "../scope/scope.ts";
import type { EncodedResource } from "./encoded.ts";
import { encoded, patchAndEncode } from "./patched.ts";
import { encodedResource } from "./resource.ts";

/** Patches clusters and encodes them; those that a patch removed are left out. */
export function encodeClusters(scope: Scope, clusters: readonly BuiltCluster[]): EncodedResource[] {
  return clusters.flatMap(
    (built) =>
      patchAndEncode(scope, built, patchCluster, (cluster, errors) =>
        encodedResource(cluster.name, encoded("cluster", cluster), cluster.configKeys, errors),
      ) ?? [],
  );
}
