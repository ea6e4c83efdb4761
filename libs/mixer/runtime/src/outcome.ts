import type { CheckResult } from "@xebec/mixer-sdk";
import { httpStatusOf } from "@xebec/model-mixer";

/** A change of a header of the request or of the response. */
export interface HeaderOperation {
  readonly name: string;
  /** Empty for REMOVE. */
  readonly value: string;
  readonly operation: "REPLACE" | "REMOVE" | "APPEND";
}

/** The answer to a request's preconditions. */
export interface CheckOutcome {
  /** google.rpc.Code; 0 allows. */
  readonly code: number;
  readonly message: string;
  readonly validMs: number;
  readonly validUses: number;
  readonly requestHeaders: readonly HeaderOperation[];
  readonly responseHeaders: readonly HeaderOperation[];
  /** The response that a denied HTTP request gets; absent: the default one of the code. */
  readonly direct: { readonly code: number; readonly body: string } | undefined;
}

const NONE: readonly HeaderOperation[] = [];

/** Nothing had to be said about the request: OK for 1 minute and 10,000 uses (docs/reference/mixer.md §7.5). */
export const DEFAULT_OUTCOME: CheckOutcome = {
  code: 0,
  message: "",
  validMs: 60_000,
  validUses: 10_000,
  requestHeaders: NONE,
  responseHeaders: NONE,
  direct: undefined,
};

/**
 * Folds the results of several handlers into one (docs/reference/mixer.md §7.5): the shortest validity, the code of the
 * first denial, all denials' messages. A bare OK counts as no result, in whatever order results come.
 */
export class ResultFold {
  #result: { code: number; validMs: number; validUses: number } | undefined;
  #messages = "";
  #direct: CheckOutcome["direct"];
  #headers: readonly HeaderOperation[] = NONE;

  add(handler: string, { code, message, validMs, validUses, direct }: CheckResult): void {
    if (code === 0 && validMs === 0 && validUses === 0) return;
    const result = this.#result;
    if (!result) this.#result = { code, validMs, validUses };
    else {
      result.validMs = Math.min(result.validMs, validMs);
      result.validUses = Math.min(result.validUses, validUses);
    }
    if (code === 0) return;
    if (this.#messages === "") {
      if (result) result.code = code;
      if (direct) {
        this.#direct = { code: direct.code || httpStatusOf(code), body: direct.body };
        this.#headers = Object.entries(direct.headers).map(([name, value]) => ({ name, value, operation: "REPLACE" }));
      }
    } else this.#messages += ", ";
    this.#messages += `${handler}:${message}`;
  }

  outcome(): CheckOutcome {
    if (!this.#result) return DEFAULT_OUTCOME;
    const message = this.#messages;
    return { ...this.#result, message, requestHeaders: NONE, responseHeaders: this.#headers, direct: this.#direct };
  }
}

/** Most errors that are shown one by one: a report may fail in thousands of places, often all for one reason. */
const SHOWN = 20;

/** Joins errors as Mixer shows them; of many only the first ones. */
export function joinErrors(errors: readonly Error[]): string {
  const head = errors.length === 1 ? "1 error occurred:" : `${errors.length} errors occurred:`;
  const lines = errors.slice(0, SHOWN).map((error) => `* ${error.message}`);
  if (errors.length > SHOWN) lines.push(`* and ${errors.length - SHOWN} more`);
  return `${head}\n\n${lines.join("\n")}`;
}
