import { dirname, posix } from "node:path";

/** `import … from "./x.ts"`, `export … from`, `import "./x.ts"`, `import("./x.ts")`; types included. */
const RELATIVE_IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)"(\.[^"]+)"/g;

/**
 * The files of a set that each of them imports by a relative path, type-only imports included.
 * @param files texts by path, with `/` between folders
 */
export function fileImports(files: ReadonlyMap<string, string>): Map<string, readonly string[]> {
  return new Map(
    [...files].map(([path, text]) => {
      const targets = [...text.matchAll(RELATIVE_IMPORT)].map((each) => posix.join(dirname(path), each[1] ?? ""));
      return [path, targets.filter((each) => files.has(each))];
    }),
  );
}

/**
 * The groups of nodes that depend on each other in a circle (strongly connected components, by Tarjan's algorithm).
 * @param edges what each node depends on
 * @returns the nodes of each group, sorted; empty when there is no cycle
 */
export function cycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (node: string): number => {
    const index = order.size;
    order.set(node, index);
    lowest.set(node, index);
    stack.push(node);
    for (const next of edges.get(node) ?? [])
      if (!order.has(next)) lowest.set(node, Math.min(lowest.get(node) ?? index, visit(next)));
      else if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node) ?? index, order.get(next) ?? index));
    const low = lowest.get(node) ?? index;
    if (low !== index) return low;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1 || edges.get(node)?.includes(node)) found.push(group.sort());
    return low;
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return found;
}
