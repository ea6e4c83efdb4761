import { Pace } from "@xebec/core-async";
import { manifestSteps } from "@xebec/core-yaml";
import { isForeign, type ValidateOptions, validateObject, violationsText } from "@xebec/galley-validate";
import { keyOf, type Resource } from "@xebec/model-resources";

/** Something that is wrong in a file: what `xebec status` and the log show. */
export interface FileFault {
  /** `keyOf` of the object when it could be told, else `file/<path>`. */
  readonly object: string;
  readonly path: string;
  readonly line: number;
  /** Every violation with its field; one sentence each. */
  readonly message: string;
}

export interface FileContent {
  /** What the file holds now, with objects whose new form is refused in their last good form. */
  readonly resources: ReadonlyMap<string, Resource>;
  readonly faults: readonly FileFault[];
  /** True when nothing in the file could be read: then objects that are missing may still be meant. */
  readonly unreadable: boolean;
}

export const NO_CONTENT: FileContent = { resources: new Map(), faults: [], unreadable: false };

/**
 * Reads a file's objects (docs/galley.md). An object that is refused keeps its last good form; a file that does not
 * parse keeps all its objects. A long file is read in slices, between which others have their turn.
 * @param path as it is shown to users
 * @param before what the file held until now
 * @param seen gives the time when an object was first seen, RFC 3339
 */
export async function readFileContent(
  path: string,
  bytes: Uint8Array,
  before: FileContent,
  options: Omit<ValidateOptions, "origin">,
  seen: (key: string) => string,
): Promise<FileContent> {
  const pace = new Pace();
  const faults: FileFault[] = [];
  const resources = new Map<string, Resource>();
  let isBroken = false;
  let count = 0;
  for (const step of manifestSteps(bytes, { leaves: isForeign })) {
    if (pace.isDue) await pace.rest();
    if (!step) continue;
    if ("fault" in step) {
      isBroken = true;
      faults.push({ object: `file/${path}`, path, ...step.fault });
      continue;
    }
    const raw = step.object;
    count++;
    const result = validateObject(raw, { ...options, origin: { source: path, line: raw.line } });
    if (result.outcome === "foreign") continue;
    if (result.outcome === "accepted") {
      const key = keyOf(result.resource);
      const first = resources.get(key);
      if (first) {
        faults.push({
          // Told of the file, not of the object: the first one of them is well.
          object: `file/${path}`,
          path,
          line: raw.line,
          message: `metadata.name: ${result.resource.kind} ${result.resource.namespace}/${result.resource.name} stands in this file twice; the one in line ${first.origin?.line} is used, remove one of them`,
        });
        continue;
      }
      resources.set(key, { ...result.resource, creationTimestamp: result.resource.creationTimestamp ?? seen(key) });
      continue;
    }
    const key = result.identity ? keyOf(result.identity) : undefined;
    const [first] = result.violations;
    faults.push({
      object: key ?? `file/${path}`,
      path,
      line: first ? raw.lineOf(first.path) : raw.line,
      message: violationsText(result.violations),
    });
    const good = key === undefined ? undefined : before.resources.get(key);
    if (key !== undefined && good) resources.set(key, good);
  }
  const unreadable = isBroken || count === 0;
  // A document that cannot be parsed might be any object of the file: none is withdrawn.
  if (isBroken) for (const [key, good] of before.resources) if (!resources.has(key)) resources.set(key, good);
  return { resources, faults, unreadable };
}

/** A file that cannot be read at all withdraws nothing. */
export function kept(before: FileContent, path: string, message: string): FileContent {
  return {
    resources: before.resources,
    faults: [{ object: `file/${path}`, path, line: 1, message }],
    unreadable: true,
  };
}
