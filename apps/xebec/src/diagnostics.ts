import { type Condition, outcomeOf } from "@xebec/model-resources";
import type { MeshStatus } from "@xebec/platform-local";
import { objectName } from "./object-name.ts";

/** What services say of an object, with its place. */
export interface Remark {
  readonly file: string;
  readonly line: number | undefined;
  readonly object: string;
  /** Who says it; several when they say the same. */
  readonly by: string;
  readonly reason: string;
}

/** Objects that are not in effect as their author wrote them. */
export interface ObjectReport {
  /** The last known good state stays. */
  readonly refused: readonly Remark[];
  /** Valid, and without effect. */
  readonly ignored: readonly Remark[];
  readonly partly: readonly Remark[];
}

const PARTLY: ReadonlySet<string> = new Set(["PartlyResolved", "PartlyRejected"]);

/** Says whether a part of an object has no effect. */
export function isPartly(condition: Pick<Condition, "reason">): boolean {
  return PARTLY.has(condition.reason);
}

/** Everything that is wrong with the objects of a mesh, each thing once. */
export function objectReport(
  mesh: Pick<MeshStatus, "problems" | "leftOut">,
  conditions: readonly Condition[],
): ObjectReport {
  // Galley and the local platform read the same files; what is wrong with a document as a whole is told once.
  const told = new Set(
    conditions.filter((each) => each.object.startsWith("file/")).map(({ source, line }) => `${source}:${line}`),
  );
  const own = (list: MeshStatus["problems"]): Remark[] =>
    list.map((each) => ({ file: each.path, line: each.line, object: "", by: "local platform", reason: each.message }));
  const problems = mesh.problems.filter((each) => !told.has(`${each.path}:${each.line}`));
  return {
    refused: [...remarks(conditions, (each) => outcomeOf(each) === "rejected"), ...own(problems)],
    ignored: [...remarks(conditions, (each) => outcomeOf(each) === "ignored"), ...own(mesh.leftOut)],
    partly: remarks(conditions, isPartly),
  };
}

/** How many objects a list of remarks is about: several services may speak of one. */
export function objectCount(list: readonly Remark[]): number {
  return new Set(list.map((each) => each.object || `${each.file}:${each.line}`)).size;
}

/** The first of some remarks and how many there are besides; empty when there is none. @param what `refused` */
export function firstOf(list: readonly Remark[], what: string): string {
  const [first] = list;
  if (!first) return "";
  const name = first.object || `${first.file}:${first.line}`;
  const more = objectCount(list) - 1;
  return `${what}: ${name}${more > 0 ? ` and ${more} more` : ""}; "xebec status" tells where and why`;
}

/** Only who read an object knows its file; the others' conditions get the place from there. */
function remarks(conditions: readonly Condition[], isWanted: (each: Condition) => boolean): Remark[] {
  const places = new Map(conditions.filter((each) => each.source).map((each) => [each.object, each]));
  const found = new Map<string, Remark>();
  for (const each of conditions.filter(isWanted)) {
    const { source = "", line } = each.source ? each : (places.get(each.object) ?? each);
    const reason = each.message || each.reason;
    const key = JSON.stringify([each.object, source, line, reason]);
    const same = found.get(key);
    const by = same ? `${same.by}, ${each.controller}` : each.controller;
    found.set(key, { file: source, line, object: objectName(each.object), by, reason });
  }
  return [...found.values()];
}
