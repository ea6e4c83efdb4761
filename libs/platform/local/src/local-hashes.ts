import { hash } from "node:crypto";
import { type ClusterObject, objectKey } from "./manifest-objects.ts";
import { parseManifests } from "./parse-manifests.ts";

/** What an object of the local platform says, in a few letters: equal for equal objects, wherever they stand. */
export function localMark(object: ClusterObject): string {
  return hash("sha1", JSON.stringify(object), "hex");
}

/** The marks of the objects of a file, by `KIND/NAMESPACE/NAME`. */
export function localMarks(text: string): ReadonlyMap<string, string> {
  return new Map(parseManifests(text).objects.map((each) => [objectKey(each), localMark(each)]));
}
