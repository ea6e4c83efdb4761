import type { Resource } from "@xebec/model-resources";
import type { FileContent, FileFault } from "./file-state.ts";

/** Whether two forms of an object mean the same; where they stand in a file does not count. */
export function sameMeaning(a: Resource, b: Resource): boolean {
  return (
    a === b || JSON.stringify({ ...a, origin: 0, generation: 0 }) === JSON.stringify({ ...b, origin: 0, generation: 0 })
  );
}

export interface Merged {
  readonly resources: ReadonlyMap<string, Resource>;
  /** Objects that several files define: the first file, by its path, has it. */
  readonly faults: readonly FileFault[];
}

/** Puts the contents of all files together. @param files by path */
export function mergeFiles(files: ReadonlyMap<string, FileContent>): Merged {
  const resources = new Map<string, Resource>();
  const faults: FileFault[] = [];
  for (const path of [...files.keys()].sort())
    for (const [key, resource] of files.get(path)?.resources ?? []) {
      const first = resources.get(key);
      if (!first) {
        resources.set(key, resource);
        continue;
      }
      const place = resource.origin?.source ?? path;
      faults.push({
        // Told of the file, not of the object: that is well, in the file that has it.
        object: `file/${place}`,
        path: place,
        line: resource.origin?.line ?? 1,
        message: `metadata.name: ${resource.kind} ${resource.namespace}/${resource.name} is defined in ${first.origin?.source} already, in line ${first.origin?.line ?? 1}; that one is used, remove one of them`,
      });
    }
  return { resources, faults };
}
