import { type Condition, outcomeOf } from "@xebec/model-resources";
import type { Diagnostic, MeshStatus } from "@xebec/platform-local";
import { objectName } from "./object-name.ts";

/** A finding of one or several controllers about an object. */
export interface ObjectDiagnostic extends Pick<Diagnostic, "file" | "message"> {
  readonly line: number | undefined;
  readonly object: string;
  /** The controller; several, with commas, when they report the same. */
  readonly by: string;
}

/** Objects that are not in effect as their author wrote them. */
export interface Diagnostics {
  /** The last known good state stays. */
  readonly refused: readonly ObjectDiagnostic[];
  /** Valid, and without effect. */
  readonly ignored: readonly ObjectDiagnostic[];
  readonly partly: readonly ObjectDiagnostic[];
}

const PARTLY: ReadonlySet<string> = new Set(["PartlyResolved", "PartlyRejected"]);

/** Says whether a part of an object has no effect. */
export function isPartly(condition: Pick<Condition, "reason">): boolean {
  return PARTLY.has(condition.reason);
}

/** Everything that is wrong with the objects of a mesh, each thing once. */
export function diagnosticsOf(
  mesh: Pick<MeshStatus, "problems" | "unsupported">,
  conditions: readonly Condition[],
): Diagnostics {
  // Galley and the local platform read the same files; what is wrong with a document as a whole is reported once.
  const reported = new Set(
    conditions.filter((each) => each.object.startsWith("file/")).map(({ source, line }) => `${source}:${line}`),
  );
  const own = (list: MeshStatus["problems"]): ObjectDiagnostic[] =>
    list.map((each) => ({ ...each, object: "", by: "local platform" }));
  const problems = mesh.problems.filter((each) => !reported.has(`${each.file}:${each.line}`));
  return {
    refused: [...diagnosticsBy(conditions, (each) => outcomeOf(each) === "rejected"), ...own(problems)],
    ignored: [...diagnosticsBy(conditions, (each) => outcomeOf(each) === "ignored"), ...own(mesh.unsupported)],
    partly: diagnosticsBy(conditions, isPartly),
  };
}

/** How many objects a list of diagnostics is about: several controllers may report one. */
export function objectCount(list: readonly ObjectDiagnostic[]): number {
  return new Set(list.map((each) => each.object || `${each.file}:${each.line}`)).size;
}

/** The first of some diagnostics and how many there are besides; empty when there is none. @param what `refused` */
export function firstOf(list: readonly ObjectDiagnostic[], what: string): string {
  const [first] = list;
  if (!first) return "";
  const name = first.object || `${first.file}:${first.line}`;
  const more = objectCount(list) - 1;
  return `${what}: ${name}${more > 0 ? ` and ${more} more` : ""}; see "xebec status"`;
}

/** Only who read an object knows its file; the others' conditions get the place from there. */
function diagnosticsBy(conditions: readonly Condition[], isMeant: (each: Condition) => boolean): ObjectDiagnostic[] {
  const places = new Map(conditions.filter((each) => each.source).map((each) => [each.object, each]));
  const found = new Map<string, ObjectDiagnostic>();
  for (const each of conditions.filter(isMeant)) {
    const { source = "", line } = each.source ? each : (places.get(each.object) ?? each);
    const message = each.message || each.reason;
    const key = JSON.stringify([each.object, source, line, message]);
    const same = found.get(key);
    const by = same ? `${same.by}, ${each.controller}` : each.controller;
    found.set(key, { file: source, line, object: objectName(each.object), by, message });
  }
  return [...found.values()];
}
