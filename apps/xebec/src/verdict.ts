import { isXebecError } from "@xebec/core-errors";
import { type Condition, outcomeOf } from "@xebec/model-resources";
import type { SupervisorQuery } from "./control.ts";
import { isPartly } from "./diagnostics.ts";
import type { Expected } from "./expected.ts";
import { objectName } from "./object-name.ts";

/** What came of a change, a clause each. It is in effect as it was meant when nothing is said. */
export interface Verdict {
  /** By whom something of it is refused, and why. */
  readonly refused: readonly string[];
  /** What is not known in time. */
  readonly outstanding: readonly string[];
  /** What is taken and has no effect, or takes effect away from another object. */
  readonly remarks: readonly string[];
}

/** What all services say of all objects. @param isCertain false: nothing is known rather than an error */
export async function conditionsNow(query: SupervisorQuery, isCertain: boolean): Promise<readonly Condition[]> {
  try {
    return await query<Condition[]>("/conditions");
  } catch (error) {
    if (isCertain || !isXebecError(error)) throw error;
    return [];
  }
}

/**
 * What the services say of the objects of a change, and what they say of other objects since.
 * @param before their conditions before the change
 * @param now after it, when each of them has applied it
 * @param isProxyRefusal whether proxies refuse something that they refused before
 */
export function verdictOf(
  { config }: Expected,
  before: readonly Condition[],
  now: readonly Condition[],
  isProxyRefusal: boolean,
): Pick<Verdict, "refused" | "remarks"> {
  const isOf = ({ object }: Condition): boolean => config.get(object) !== undefined;
  // What proxies refuse they were queried themselves: pilot takes such a word back only after they have accepted something better.
  const reported = now.filter((each) => each.reason !== "ProxyRejected" || isProxyRefusal);
  const isRefusal = (each: Condition): boolean => outcomeOf(each) === "rejected" || each.reason === "PartlyRejected";
  const known = new Set(before.map(identityOf));
  const others = reported.filter(
    (each) =>
      !isOf(each) &&
      !known.has(identityOf(each)) &&
      (isRefusal(each) || outcomeOf(each) === "ignored" || isPartly(each)),
  );
  return {
    refused: clauses(
      reported.filter((each) => isOf(each) && isRefusal(each)),
      "refused by",
    ),
    remarks: [
      ...clauses(
        reported.filter((each) => isOf(each) && !isRefusal(each) && (outcomeOf(each) === "ignored" || isPartly(each))),
        "not all of it has an effect, says",
      ),
      ...clauses(others, "since this change, says"),
    ],
  };
}

function identityOf({ controller, object, status, reason, message }: Condition): string {
  return JSON.stringify([controller, object, status, reason, message]);
}

/** One clause for what several say of an object with the same words. */
function clauses(conditions: readonly Condition[], verb: string): string[] {
  const found = new Map<string, { readonly object: string; readonly text: string; readonly by: string[] }>();
  for (const { object, controller, message, reason } of conditions) {
    const text = message || reason;
    const key = JSON.stringify([object, text]);
    const same = found.get(key);
    if (same) same.by.push(controller);
    else found.set(key, { object, text, by: [controller] });
  }
  return [...found.values()].map(
    ({ object, text, by }) => `${objectName(object) || object}: ${verb} ${by.sort().join(", ")}: ${text}`,
  );
}
