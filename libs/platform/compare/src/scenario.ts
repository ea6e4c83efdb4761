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
  path: field(string({ minLength: 1 }), "Path at the ingress gateway."),
  headers: field(map(string()), "Headers of the request."),
  status: field(int32(), "The answer has this status."),
  body: field(string(), "The answer contains this text; `$n` is the number of the change."),
  plaintext: field(
    enumeration(["accepted", "refused"]),
    "Instead of `path`: every pod of the applications takes, or refuses, a request without TLS.",
  ),
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

const Sign = message("compare.Sign", {
  type: field(
    enumeration(["cluster", "endpoint", "listener", "route", "extension"]),
    "The type of the resources that a proxy gets.",
  ),
  text: field(string({ minLength: 1 }), "A text in them; `$n` is the number of the change."),
});

const Other = message("compare.OtherChange", {
  objects: required(list(struct()), "Objects that are saved."),
  until: field(Until, "The answer that shows their effect."),
});

const Change = message("compare.Change", {
  name: required(string({ minLength: 1 }), "What the report calls it."),
  objects: required(
    list(struct()),
    "Objects that are saved at each change. In texts `$n` is its number, from 1, `$server` the address of its server.",
  ),
  until: field(Until, "The answer that shows its effect."),
  proxies: field(Sign, "What each synthetic proxy gets when the change has come to it. Either this or `until`."),
  back: field(Other, "What is saved at every second change, so that it takes the one before back."),
  servers: field(bool(), "Each change has a server of its own, at `$server` port 8000, which answers `answer $n.`."),
  count: required(int32({ minimum: 1 }), "How many changes."),
});

const Proxies = message("compare.Proxies", {
  count: required(
    int32({ minimum: 1, maximum: 10_000 }),
    "How many synthetic proxies subscribe from now on, in a process of their own, to the end of the scenario.",
  ),
  labels: field(map(string()), "Labels of their pods."),
  routes: field(list(string()), "The route tables that they ask for, by name.", { defaultText: '`["80"]`' }),
  extensions: field(list(string()), "The filters whose configuration they ask for, by name."),
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
    enumeration(["kill", "stop", "slow", "cut"]),
    "`kill`: SIGKILL; `stop`: SIGSTOP for `seconds`; `slow`: it runs for one tenth of the time, for `seconds`; `cut`: nothing that it and the bus send to each other arrives, for `seconds`. The mesh of a scenario with `cut` reaches the bus through the comparison's own process.",
  ),
  seconds: field(double(), "How long it is stopped, slow, or cut off.", { defaultText: "3" }),
  watch: required(double(), "How long the functions are watched, in seconds."),
  functions: field(list(string()), "The functions that are watched.", { defaultText: "all" }),
});

const Apply = message("compare.Apply", {
  objects: required(list(struct()), "Objects that are saved."),
  until: field(Until, "The answer that shows their effect."),
});

const Upgrade = message("compare.Upgrade", {
  component: required(
    string({ minLength: 1 }),
    "A component, or `each` for all of the shape one after another. In a monolith each is the one process.",
  ),
  path: required(string({ minLength: 1 }), "Path at the ingress gateway that is asked meanwhile."),
  headers: field(map(string()), "Headers of each request."),
  rate: required(int32({ minimum: 1 }), "Requests a second."),
  watch: required(double(), "How long requests are sent, in seconds; the component is replaced after the first one."),
  status: field(int32(), "The status that is expected; another one counts as failed.", { defaultText: "200" }),
});

const Scale = message("compare.Scale", {
  components: required(
    list(string({ minLength: 1 })),
    "Components that get copies: `pilot`, `mixer-policy`, `mixer-telemetry`. In a monolith the whole process gets them.",
  ),
  replicas: required(int32({ minimum: 1, maximum: 8 }), "How many copies of each; names in the report say it."),
});

const Step = message("compare.Step", {
  restart: field(Restart, "Ends the mesh, starts it again, and measures the start."),
  rest: field(Rest, "Measures processes while nobody asks anything."),
  change: field(Change, "Measures the time from saving to effect, and the processor time of all components."),
  proxies: field(Proxies, "Connects synthetic proxies, and measures how long it takes until each is configured."),
  load: field(Load, "Measures latencies and processor time at a fixed rate of requests."),
  fault: field(Fault, "Measures which functions fail, and for how long."),
  upgrade: field(Upgrade, "Replaces a component by another build (`--with-build`) while requests are sent."),
  scale: field(Scale, "Ends the mesh and starts it with copies of components, for the steps that follow."),
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
export type ProxiesStep = Static<typeof Proxies>;
export type LoadStep = Static<typeof Load>;
export type FaultStep = Static<typeof Fault>;
export type UpgradeStep = Static<typeof Upgrade>;
export type ScaleStep = Static<typeof Scale>;
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
  for (const [i, step] of chosen.entries()) {
    const wrong = wrongStep(step);
    if (wrong) throw new XebecError("invalid_argument", `${file}: step ${i + 1} ${wrong}`);
  }
  return { name, question, about, steps: chosen };
}

/** What a schema cannot say. @returns undefined when all is well */
function wrongStep(step: Step): string | undefined {
  if (Object.keys(step).length !== 1) return "must be exactly one of its fields";
  const { change, apply } = step;
  if (change && (change.until === undefined) === (change.proxies === undefined))
    return "has to say either until or proxies";
  for (const until of [change?.until, change?.back?.until, apply?.until])
    if (until && (until.path === undefined) === (until.plaintext === undefined))
      return "has an until that must have either path or plaintext";
  return undefined;
}

/** Texts that take the place of `$NAME`. */
export type Words = Readonly<Record<string, string | number>>;

/** Objects as the text of a file. */
export function manifestOf(objects: readonly unknown[], words: Words = {}): string {
  return withWords(objects.map((each) => writeYaml(each)).join("---\n"), words);
}

export function withWords(text: string, words: Words): string {
  return text.replace(/\$([a-z]+)\b/g, (whole, name: string) => String(words[name] ?? whole));
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
