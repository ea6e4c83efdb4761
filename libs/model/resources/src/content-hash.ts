import { hash } from "node:crypto";
import type { Resource } from "./resource.ts";

/** Objects do not change once they are read, and most of thousands are asked for again with every change of one. */
const known = new WeakMap<Resource, string>();

/** A hash of what an object says: equal for equal meaning, wherever the object stands and whenever it was made. */
export function contentHash(resource: Resource): string {
  let found = known.get(resource);
  if (found === undefined) {
    const { version, labels, annotations, spec } = resource;
    found = hash("sha1", JSON.stringify([version, labels ?? {}, annotations ?? {}, spec]), "hex");
    known.set(resource, found);
  }
  return found;
}
