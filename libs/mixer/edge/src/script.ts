import { CODES } from "@xebec/core-errors";
import { parseIp } from "@xebec/model-attributes";
import { httpStatusOf } from "@xebec/model-mixer";
import type { Answer, EdgeStep } from "./edge-rule.ts";
import type { Code } from "./lua-expression.ts";
import { addressDigits, luaText } from "./lua-text.ts";
import { prelude } from "./prelude.ts";

type ListStep = Extract<EdgeStep, { list: unknown }>;
type AnswerStep = Extract<EdgeStep, { answer: unknown }>;

/** A rule whose expressions are translated. */
export interface ScriptRule {
  readonly key: string;
  readonly match: string;
  readonly condition: Code | undefined;
  readonly steps: readonly (AnswerStep | (Omit<ListStep, "value"> & { readonly value: Code }))[];
}

/** The namespace of dynamic metadata in which a script says which handlers have denied a request. */
const METADATA = "mixer.policy";

const PERMISSION_DENIED = 7;
const names = new Map(Object.entries(CODES).map(([name, [code]]) => [code as number, name.toUpperCase()]));

/**
 * A script for Envoy's Lua filter that decides as Mixer does (docs/reference/mixer.md §7.5): all rules are evaluated, the first denial
 * has the code, all have their say in the message. A rule whose condition fails does not hold; an instance that fails is an error of the
 * whole check.
 */
export function scriptOf(rules: readonly ScriptRule[], failOpen: boolean): string {
  const uses: string[] = [];
  const tables: string[] = [];
  const body: string[] = [];
  for (const { condition, steps } of grouped(rules)) {
    const inner = steps.map((step) => {
      if (!("list" in step))
        return `  deny(${answerOf(step.answer)}, ${luaText(`${step.handler}:${step.answer.message}`)})`;
      return listStep(step, tables, uses);
    });
    if (inner.length === 0) continue;
    const isAlways = !condition || condition.constant === true;
    if (condition && !isAlways) uses.push(...condition.uses);
    body.push(
      isAlways
        ? `do\n${inner.join("\n")}\nend`
        : `if holds(function() return ${condition.lua} end) then\n${inner.join("\n")}\nend`,
    );
  }
  return `local H, S, first, texts
${prelude(uses)}
${tables.length > 0 ? `local lists = {${tables.join(",\n")}}\n` : ""}local function holds(f) local ok, v = pcall(f) return ok and v == true end
local function deny(answer, text)
  if #texts == 0 then first = answer end
  texts[#texts + 1] = text
end
local function decide()
${body.join("\n")}
end
function envoy_on_request(handle)
  H, S, first, texts = handle:headers(), handle:streamInfo(), nil, {}
  local ok = pcall(decide)
  if ok and first then S:dynamicMetadata():set(${luaText(METADATA)}, "denied", table.concat(texts, ", ")) end
  H, S = nil, nil
  if not ok then
    ${failOpen ? "return" : 'handle:respond({[":status"] = "503"})'}
  elseif first then
    local headers = {[":status"] = first[1]}
    for name, value in pairs(first[3] or {}) do headers[name] = value end
    local body = first[2] or first[4] .. table.concat(texts, ", ")
    if body == "" then body = nil end
    handle:respond(headers, body)
  end
end
`;
}

/** Rules with one condition are one group, at the place of the first, as in Mixer. */
function grouped(rules: readonly ScriptRule[]): Pick<ScriptRule, "condition" | "steps">[] {
  const groups = new Map<string, { condition: Code | undefined; steps: ScriptRule["steps"][number][] }>();
  for (const { match, condition, steps } of rules) {
    const group = groups.get(match) ?? { condition, steps: [] };
    groups.set(match, group);
    group.steps.push(...steps);
  }
  return [...groups.values()];
}

/** `{status, body or nil, headers or nil, start of the default body}`. */
function answerOf({ code, direct }: Pick<Answer, "code" | "direct">): string {
  const status = direct?.code || httpStatusOf(code);
  const headers = Object.entries(direct?.headers ?? {}).map(
    ([name, value]) => `[${luaText(name.toLowerCase())}] = ${luaText(value)}`,
  );
  const parts = [luaText(String(status)), direct ? luaText(direct.body) : "nil"];
  parts.push(headers.length > 0 ? `{${headers.join(", ")}}` : "nil", luaText(`${names.get(code) ?? code}:`));
  return `{${parts.join(", ")}}`;
}

function listStep(
  { handler, list, value }: Omit<ListStep, "value"> & { readonly value: Code },
  tables: string[],
  uses: string[],
): string {
  const name = `lists[${tables.length + 1}]`;
  const { type, blacklist } = list;
  uses.push(...value.uses);
  const isAddress = value.type === "IP_ADDRESS";
  if (isAddress) uses.push("address");
  const text = isAddress ? "address(v)" : "v";
  let found: string;
  if (type === "IP_ADDRESSES") {
    uses.push("within");
    tables.push(`{${list.entries.map(networkOf).join(", ")}}`);
    found = `within(v, ${name})`;
  } else {
    const isFolded = type === "CASE_INSENSITIVE_STRINGS";
    if (isFolded) uses.push("folded");
    const entries = list.entries.filter((each) => each !== "").map((each) => (isFolded ? each.toUpperCase() : each));
    tables.push(`{${[...new Set(entries)].map((each) => `[${luaText(each)}] = true`).join(", ")}}`);
    found = `${name}[${isFolded ? `folded(${text})` : text}]`;
  }
  const denied = `deny(${answerOf({ code: PERMISSION_DENIED })}, ${luaText(`${handler}:`)} .. ${text} .. ${luaText(blacklist ? " is blacklisted" : " is not whitelisted")})`;
  return `  do\n    local v = ${value.lua}\n    if ${blacklist ? "" : "not "}${found} then ${denied} end\n  end`;
}

/** A network: its whole digits, then the divisor and the value of the digit of which only some bits count. */
function networkOf(entry: string): string {
  const [address = "", prefix] = entry.trim().split("/", 2) as [string, string?];
  const bits = prefix === undefined ? 128 : Number(prefix) + (address.includes(":") ? 0 : 96);
  const digits = addressDigits(parseIp(address) as Uint8Array);
  const rest = bits % 4;
  const whole = luaText(digits.slice(0, Math.floor(bits / 4)));
  if (rest === 0) return `{${whole}, 1}`;
  const divisor = 2 ** (4 - rest);
  return `{${whole}, ${divisor}, ${Math.floor(Number.parseInt(digits[Math.floor(bits / 4)] as string, 16) / divisor)}}`;
}
