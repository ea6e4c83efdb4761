import { hash } from "node:crypto";
import { type ClusterObject, objectKey } from "./manifest-objects.ts";
import { parseManifests } from "./parse-manifests.ts";

/** A hash of what an object of the local platform says: equal for equal objects, wherever they stand. */
export function localHash(object: ClusterObject): string {
  return hash("sha1", JSON.stringify(object), "hex");
}

/** The hashes of the objects of a file, by `KIND/NAMESPACE/NAME`. */
export function localHashes(text: string): ReadonlyMap<string, string> {
  return new Map(parseManifests(text).objects.map((each) => [objectKey(each), localHash(each)]));
}
