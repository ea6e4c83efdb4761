import { hash } from "node:crypto";
import type { Resource } from "./resource.ts";

/** Objects do not change once they are read, and most of thousands are asked for again with every change of one. */
const known = new WeakMap<Resource, string>();

/** What an object says, in a few letters: equal for equal meaning, wherever the object stands and whenever it was made. */
export function meaningMark(resource: Resource): string {
  let mark = known.get(resource);
  if (mark === undefined) {
    const { version, labels, annotations, spec } = resource;
    mark = hash("sha1", JSON.stringify([version, labels ?? {}, annotations ?? {}, spec]), "hex");
    known.set(resource, mark);
  }
  return mark;
}
