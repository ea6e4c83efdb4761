import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { readYaml, writeYaml } from "@xebec/core-yaml";
import {
  bool,
  double,
  enumeration,
  field,
  int32,
  list,
  map,
  message,
  readProtoJson,
  required,
  type Static,
  string,
  struct,
  violationsText,
} from "@xebec/model-schema";

const API_VERSION = "compare.xebec.io/v1";
const MAX_BYTES = 256 * 1024;

const Until = message("compare.Until", {
  path: required(string({ minLength: 1 }), "Path at the ingress gateway."),
  headers: field(map(string()), "Headers of the request."),
  status: field(int32(), "The answer has this status."),
  body: field(string(), "The answer contains this text; `$n` is the number of the change."),
});

const Restart = message("compare.Restart", {
  cache: required(
    enumeration(["cold", "warm"]),
    "`cold`: nothing is left of an earlier start, neither state nor compiled code; `warm`: both are.",
  ),
});

const Rest = message("compare.Rest", {
  settle: field(double(), "Seconds before, so that the work of the start is over.", { defaultText: "15" }),
  seconds: required(double(), "How long processes are watched."),
});

const Change = message("compare.Change", {
  name: required(string({ minLength: 1 }), "What the report calls it."),
  objects: required(list(struct()), "Objects that are saved at each change; `$n` in a text is its number, from 1."),
  until: required(Until, "The answer that shows its effect."),
  count: required(int32({ minimum: 1 }), "How many changes."),
});

const Load = message("compare.Load", {
  name: required(string({ minLength: 1 }), "What the report calls it."),
  path: required(string({ minLength: 1 }), "Path at the ingress gateway."),
  headers: field(map(string()), "Headers of each request."),
  rate: required(int32({ minimum: 1 }), "Requests a second, whether answers come or not (open loop)."),
  connections: field(int32({ minimum: 1 }), "Connections.", { defaultText: "10" }),
  seconds: required(double(), "How long."),
  status: field(int32(), "The status that is expected; another one counts as failed.", { defaultText: "200" }),
});

const Fault = message("compare.Fault", {
  component: required(
    string({ minLength: 1 }),
    "A component (`pilot`, `nats`, ...), or `each` for all of the shape one after another. In a monolith each is the one process.",
  ),
  action: required(
    enumeration(["kill", "stop", "slow"]),
    "`kill`: SIGKILL; `stop`: SIGSTOP for `seconds`; `slow`: it runs for one tenth of the time, for `seconds`.",
  ),
  seconds: field(double(), "How long it is stopped or slow.", { defaultText: "3" }),
  watch: required(double(), "How long the functions are watched, in seconds."),
  functions: field(list(string()), "The functions that are watched.", { defaultText: "all" }),
});

const Apply = message("compare.Apply", {
  objects: required(list(struct()), "Objects that are saved."),
  until: field(Until, "The answer that shows their effect."),
});

const Step = message("compare.Step", {
  restart: field(Restart, "Ends the mesh, starts it again, and measures the start."),
  rest: field(Rest, "Measures processes while nobody asks anything."),
  change: field(Change, "Measures the time from saving to effect, and the processor time of all components."),
  load: field(Load, "Measures latencies and processor time at a fixed rate of requests."),
  fault: field(Fault, "Measures which functions fail, and for how long."),
  apply: field(Apply, "Saves objects; they stay for the steps that follow."),
  remove: field(bool(), "Removes what `apply` has saved."),
});

const Spec = message("compare.ScenarioSpec", {
  question: required(string({ minLength: 1 }), "The question that it answers; a heading of the report."),
  about: field(string(), "How it is measured, and what is not comparable."),
  steps: required(list(Step, { minItems: 1 } as never), "What is done, in order. Each step is one of the fields."),
  quick: field(list(Step), "The steps of --quick.", { defaultText: "those of `steps`" }),
});

export type Step = Static<typeof Step>;
export type ChangeStep = Static<typeof Change>;
export type LoadStep = Static<typeof Load>;
export type FaultStep = Static<typeof Fault>;
export type RestStep = Static<typeof Rest>;
export type UntilAnswer = Static<typeof Until>;
export type ApplyStep = Static<typeof Apply>;

/** What is done with each shape, and the question that it answers. */
export interface Scenario {
  readonly name: string;
  readonly question: string;
  readonly about: string;
  readonly steps: readonly Step[];
}

/**
 * Reads a scenario.
 * @param quick takes the steps of --quick, where there are some
 * @throws XebecError invalid_argument with what is wrong where
 */
export function readScenario(file: string, quick: boolean): Scenario {
  const text = readText(file);
  let raw: unknown;
  try {
    raw = readYaml(text);
  } catch (error) {
    throw new XebecError("invalid_argument", `${file}: ${(error as Error).message}`);
  }
  const { apiVersion, kind, metadata, spec } = (raw ?? {}) as Record<string, unknown>;
  const name = (metadata as { name?: unknown } | undefined)?.name;
  if (apiVersion !== API_VERSION || kind !== "Scenario")
    throw new XebecError("invalid_argument", `${file}: write "apiVersion: ${API_VERSION}" and "kind: Scenario"`);
  if (typeof name !== "string" || !/^[a-z0-9-]{1,40}$/.test(name))
    throw new XebecError("invalid_argument", `${file}: metadata.name is made of a-z, 0-9 and "-", 40 at most`);
  const { value, violations } = readProtoJson(Spec, spec, ["spec"]);
  if (violations.length > 0) throw new XebecError("invalid_argument", `${file}: ${violationsText(violations)}`);
  const { question, about = "", steps, quick: quickSteps } = value as Static<typeof Spec>;
  const chosen = quick && quickSteps?.length ? quickSteps : steps;
  for (const [i, step] of chosen.entries())
    if (Object.keys(step).length !== 1)
      throw new XebecError("invalid_argument", `${file}: step ${i + 1} must be exactly one of its fields`);
  return { name, question, about, steps: chosen };
}

/** Objects as the text of a file. @param n takes the place of `$n` */
export function manifestOf(objects: readonly unknown[], n?: number): string {
  const text = objects.map((each) => writeYaml(each)).join("---\n");
  return n === undefined ? text : text.replaceAll("$n", String(n));
}

function readText(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new XebecError("invalid_argument", `the scenario ${file} cannot be read: ${(error as Error).message}`);
  }
  if (text.length > MAX_BYTES) throw new XebecError("invalid_argument", `${file} is larger than ${MAX_BYTES} bytes`);
  return text;
}
