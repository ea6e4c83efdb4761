import { readManifest, writeYaml } from "@xebec/core-yaml";
import { createTwoFilesPatch } from "diff";

/** What becomes of one object. */
export interface ObjectChange {
  /** `Deployment istio-system/istio-pilot`. */
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  /** A unified diff. */
  readonly diff: string;
}

/** Compares two texts of manifests object by object. @returns what differs, by name */
export function manifestDiff(before: string, after: string): ObjectChange[] {
  const [old, now] = [objectsOf(before), objectsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name): ObjectChange[] => {
    const [a, b] = [old.get(name), now.get(name)];
    if (a === b) return [];
    const change = a === undefined ? "added" : b === undefined ? "removed" : "changed";
    const patch = createTwoFilesPatch(name, name, a ?? "", b ?? "", "", "", { context: 2 });
    return [{ name, change, diff: patch.slice(patch.indexOf("--- ")) }];
  });
}

function objectsOf(text: string): Map<string, string> {
  const objects = new Map<string, string>();
  for (const { value } of readManifest(text).objects) {
    const { kind, metadata } = value as { kind: string; metadata: { name: string; namespace?: string } };
    const name = `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name}`;
    objects.set(name, writeYaml(value));
  }
  return objects;
}
