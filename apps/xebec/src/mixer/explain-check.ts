import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { ExplainedAction } from "@xebec/mixer-runtime";
import type { CheckExplanation, RuleExplanation } from "@xebec/mixer-server";

const ANSWER_MS = 30_000;
/** The monitoring port of a service. */
const PORT = 15014;

/**
 * Asks mixer-policy, or mixer-telemetry, what each rule makes of a request.
 * @param attributes an istio.mixer.v1.CompressedAttributes
 * @param at HOST:PORT of the monitoring port; absent: port 15014 of the host of `mixer`
 * @throws XebecError unavailable when it cannot be asked
 */
export async function explainedCheck(attributes: Uint8Array, mixer: string, at?: string): Promise<string> {
  const address = at ?? `${mixer.replace(/:\d+$/, "")}:${PORT}`;
  parseAddress(address);
  let answer: Response;
  try {
    answer = await fetch(`http://${address}/debug/check`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ attributes: Buffer.from(attributes).toString("base64") }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch (error) {
    const cause = (error as { cause?: { message?: string } }).cause?.message ?? (error as Error).message;
    throw new XebecError(
      "unavailable",
      `--explain: the monitoring port of the service at ${address} does not answer (${cause}); --monitoring names another address`,
    );
  }
  const text = await answer.text();
  if (!answer.ok) throw new XebecError("unavailable", `--explain: ${address} answered ${answer.status}: ${text}`);
  return explanationText(JSON.parse(text) as CheckExplanation);
}

/** An explanation as text, rule by rule. */
export function explanationText({ namespace, error, rules }: CheckExplanation): string {
  const lines = [
    `Rules of the root namespace${namespace === "" ? "" : ` and of ${namespace}`}: ${rules.length}`,
    ...(error === undefined ? [] : [`  ${error}`]),
    ...rules.flatMap(ruleLines),
  ];
  return `${lines.join("\n")}\n`;
}

/** What a handler said: of a check, of a quota, of a report that it took. */
function answerText(answer: NonNullable<ExplainedAction["answer"]>): string {
  if ("code" in answer) {
    const { code, message, validMs, validUses } = answer;
    return `code ${code}${message ? ` ${message}` : ""}; valid for ${validMs}ms and ${validUses} uses`;
  }
  return "amount" in answer ? `${answer.amount} granted; valid for ${answer.validMs}ms` : "taken";
}

const WITHOUT_ANSWER = {
  open: "requests pass, as the rule's handlers declare",
  closed: "requests are denied, as a handler of the rule declares",
  mesh: "policyCheckFailOpen of the mesh decides",
} as const;

/** What one rule makes of a request, as lines. */
export function ruleLines(explanation: Omit<RuleExplanation, "where"> & { readonly where?: string }): string[] {
  const { rule, match, matched, error, actions, headerOperations, where = "", failure } = explanation;
  const name = rule.split("/").slice(-2).join("/");
  const verdict = matched ? "matched" : error === undefined ? "not matched" : `not matched: ${error}`;
  return [
    `  ${name}: ${verdict}`,
    `    match: ${match === "" ? "(always)" : match}`,
    ...(where === "" ? [] : [`    decided by: ${where}`]),
    ...(failure === undefined ? [] : [`    without an answer: ${WITHOUT_ANSWER[failure]}`]),
    ...actions.flatMap(({ handler, adapter, instance, values, answer, error: why, ms }) => {
      const took = ms === undefined ? "" : ` (${ms.toFixed(3)}ms)`;
      return [
        `    ${instance} ${JSON.stringify(values ?? {})}`,
        `      ${handler}${adapter === "" ? "" : ` [${adapter}]`}: ${why ?? (answer ? answerText(answer) : "not asked")}${took}`,
      ];
    }),
    ...(matched && headerOperations > 0 ? [`    header operations: ${headerOperations}`] : []),
  ];
}
