import {
  type Adapter,
  type CheckResult,
  defineAdapter,
  describeAdapter,
  field,
  type Instance,
  int32,
  type ListEntryInstance,
  message,
  string,
  struct,
  type Variety,
} from "@xebec/mixer-sdk";
import { type AttributeValue, MutableBag } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import type { CheckOutcome } from "./outcome.ts";
import { MixerRuntime } from "./runtime.ts";

/** An adapter whose work the service does itself. */
const KUBERNETESENV = describeAdapter({
  name: "kubernetesenv",
  description: "for tests",
  templates: ["kubernetes"],
  config: struct(),
  builtIn: "built in",
});

export const log = { debug() {}, info() {}, warn() {}, error() {} };

/** An object of the group `config.istio.io`. */
export function object(kind: string, name: string, spec: object, namespace = "istio-system"): Resource {
  return { group: "config.istio.io", version: "v1alpha2", kind, namespace, name, spec };
}
export const handler = (name: string, adapter: string, params: object = {}, namespace?: string): Resource =>
  object("handler", name, { compiledAdapter: adapter, params }, namespace);
export const rule = (name: string, match: string, to: string, instances: string[], namespace?: string): Resource =>
  object("rule", name, { match, actions: [{ handler: to, instances }] }, namespace);

/** An adapter that says what it was asked, and answers with its configuration. */
export function spy(): { adapter: Adapter; events: string[]; reports: Instance[][] } {
  const events: string[] = [];
  const reports: Instance[][] = [];
  const adapter = defineAdapter({
    name: "spy",
    description: "for tests",
    templates: ["checknothing", "listentry", "metric", "quota"],
    config: message("spy.Params", {
      code: field(int32(), "The answer's code."),
      validMs: field(int32(), "How long it holds."),
      mode: field(string(), "What goes wrong."),
      amount: field(int32(), "Units that are granted."),
    }),
    defaults: { code: 0, validMs: 1000 },
    validate: ({ mode }) => (mode === "invalid" ? [{ path: ["mode"], message: "is invalid" }] : []),
    validateTogether(handlers) {
      const [, ...more] = handlers.filter((each) => each.config.mode === "only");
      return new Map(
        more.map(({ handler: name }) => [name, [{ path: ["mode"], message: "only one handler can have it" }]]),
      );
    },
    create({ code = 0, validMs = 0, mode = "", amount = 0 }, { handler: name }) {
      if (mode === "unbuildable") throw new Error("no");
      events.push(`create ${name}`);
      return {
        check(instance: ListEntryInstance): CheckResult | Promise<CheckResult> {
          events.push(
            `check ${name} ${instance.name}${instance.value === undefined ? "" : ` ${String(instance.value)}`}`,
          );
          if (mode === "throw") throw new Error("broken");
          const result = { code, message: `by ${name}`, validMs, validUses: validMs / 10 };
          return mode === "later" ? new Promise((resolve) => setImmediate(() => resolve(result))) : result;
        },
        report(instances) {
          reports.push([...instances]);
          if (mode === "throw") throw new Error("broken");
        },
        quota: () => ({ amount, validMs }),
        close: () => void events.push(`close ${name}`),
      };
    },
  });
  return { adapter, events, reports };
}

/** A runtime with the adapter `spy` and a configuration in effect. */
export async function start(
  resources: Resource[],
  varieties: Variety[] = ["check", "quota", "report"],
  changed?: () => void,
) {
  const { adapter, events, reports } = spy();
  const runtime = new MixerRuntime({
    adapters: [adapter],
    varieties,
    catalogue: new Map([adapter, KUBERNETESENV].map((each) => [each.name, each])),
    log,
    ...(changed ? { changed } : {}),
  });
  const conditions = await runtime.apply(resources);
  const bag = (values: Record<string, AttributeValue> = {}): MutableBag =>
    new MutableBag((runtime.snapshot as NonNullable<typeof runtime.snapshot>).layout, {
      "destination.namespace": "default",
      ...values,
    });
  const check = async (values: Record<string, AttributeValue> = {}): Promise<CheckOutcome> =>
    (await runtime.snapshot?.check(bag(values))) as CheckOutcome;
  const states = Object.fromEntries(conditions.map((each) => [each.object.slice("config.istio.io/".length), each]));
  return { runtime, events, reports, bag, check, states, conditions };
}

export const NOTHING = object("checknothing", "nothing", {});
