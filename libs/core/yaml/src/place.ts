import { isMap, isScalar, isSeq } from "yaml";
import { lineAt } from "./syntax.ts";
import { offsetOf } from "./value.ts";

export type Path = readonly (string | number)[];

/** The line of the field at a path below a node, or of its nearest parent that exists; from 1. */
export function lineOfPath(root: unknown, path: Path, lineStarts: readonly number[]): number {
  let node = root;
  let offset = offsetOf(node);
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(part));
      if (!pair) break;
      offset = offsetOf(pair.key) || offset;
      node = pair.value;
    } else if (isSeq(node) && node.items[Number(part)] !== undefined) {
      node = node.items[Number(part)];
      offset = offsetOf(node) || offset;
    } else break;
  }
  return lineAt(lineStarts, offset);
}
