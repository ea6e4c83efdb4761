import { type Condition, type ConditionOutcome, controllersOf, outcomeOf } from "@xebec/model-resources";
import type { ObjectId } from "./config-files.ts";
import { isPartly } from "./diagnostics.ts";

/** An object of the configuration directory. */
export interface FoundObject {
  readonly id: ObjectId;
  readonly value: Record<string, unknown>;
  /** `FILE:LINE` */
  readonly place: string;
  /** The place of the object of this identity that is used in its stead. */
  readonly duplicateOf?: string;
}

/** In one word for a table, and what each service has to say. */
export interface ObjectState {
  /** The worst that a service says; `-` when none speaks of it. */
  readonly state:
    | "refused"
    | "pending"
    | "not used"
    | "no effect"
    | "partly"
    | "in effect"
    | "unused"
    | "accepted"
    | "-";
  /** A line each: who says what. */
  readonly remarks: readonly string[];
  /** The conditions of the object; of one that is not used there are none. */
  readonly conditions: readonly Condition[];
}

export function objectKeyOf({ group, kind, namespace, name }: ObjectId): string {
  return `${group}/${kind}/${namespace}/${name}`;
}

/**
 * What the services say of an object, taken together.
 * @param late services that have not applied the newest configuration: what they say may be of an older form
 */
export function objectState(
  found: FoundObject,
  conditions: readonly Condition[],
  late: ReadonlySet<string> = new Set(),
): ObjectState {
  if (found.duplicateOf !== undefined)
    return {
      state: "not used",
      remarks: [`not used: ${found.duplicateOf} has it; remove one of them`],
      conditions: [],
    };
  const own = conditions
    .filter((each) => each.object === objectKeyOf(found.id))
    .toSorted((a, b) => a.controller.localeCompare(b.controller));
  const has = (isSo: (each: Condition) => boolean): boolean => own.some(isSo);
  const is = (outcome: ConditionOutcome): boolean => has((each) => outcomeOf(each) === outcome);
  const key = objectKeyOf(found.id);
  const isPublished = own.some((each) => each.controller === "galley" && each.contentHash !== undefined);
  const waiting = isPublished ? controllersOf(key).filter((name) => late.has(name)) : [];
  const word = is("rejected")
    ? "refused"
    : waiting.length > 0
      ? "pending"
      : is("ignored")
        ? "no effect"
        : has(isPartly)
          ? "partly"
          : is("attached")
            ? "in effect"
            : is("compiled")
              ? "unused"
              : is("accepted")
                ? "accepted"
                : "-";
  const isWell = (each: Condition): boolean =>
    outcomeOf(each) === "accepted" || (outcomeOf(each) === "attached" && !isPartly(each));
  return {
    conditions: own,
    state: word,
    // One service's "unused" is not news when the object is another one's.
    remarks: [
      ...waiting.map((name) => `${name}: has not applied the newest configuration yet`),
      ...own
        .filter((each) => !isWell(each) && (outcomeOf(each) !== "compiled" || word === "unused"))
        .map(
          (each) =>
            `${each.controller}: ${WORDS[outcomeOf(each)] ?? "partly in effect"}${each.message ? `: ${each.message}` : ""}`,
        ),
    ],
  };
}

const WORDS: Partial<Record<ConditionOutcome, string>> = {
  rejected: "refused",
  ignored: "without effect",
  compiled: "unused",
};
