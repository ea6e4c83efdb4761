import { handlerPolicyOf, MIXER_GROUP } from "@xebec/mixer-config";
import type { Variety } from "@xebec/mixer-sdk";
import { Layout, type ValueType, type Vocabulary } from "@xebec/model-attributes";
import { type CompiledExpression, compileExpression } from "@xebec/model-expr";
import { fullName, ISTIO_ADAPTERS, TEMPLATES } from "@xebec/model-mixer";
import { keyOf, type Resource } from "@xebec/model-resources";
import { acquireHandlers, isBuiltIn } from "./acquire-handlers.ts";
import { Conditions } from "./condition.ts";
import type { CompiledRule } from "./explain.ts";
import type { HandlerSlot } from "./handlers.ts";
import { InstanceCompiler, type InstancePlan } from "./instance-plan.ts";
import { mergeViews, OutputVocabulary } from "./outputs.ts";
import { type Action, type HeaderPlan, IdentityReader, mergePlans, PlanBuilder } from "./plan.ts";
import { compilePreprocess, type Preprocess } from "./preprocess.ts";
import {
  type CompileOptions,
  type Handled,
  type Instanced,
  readHandler,
  readInstance,
  readManifests,
  readRemotes,
} from "./read-objects.ts";
import { outputOf, type ReadRule, readRule } from "./rule-check.ts";
import { ServiceApis } from "./service-apis.ts";
import { ServiceQuotas } from "./service-quotas.ts";
import { Snapshot } from "./snapshot.ts";
import { bindingsToAsk } from "./standard-bindings.ts";

const UNAVAILABLE = 14;
const FOUND =
  "the service finds these attributes by itself, as the chart's bindings say, when an expression reads them";

/**
 * Compiles configuration objects into a snapshot (docs/reference/mixer.md §7.2). A bad object is rejected with its
 * reason and never hinders another.
 */
export async function compileConfig(
  resources: Iterable<Resource>,
  options: CompileOptions,
): Promise<{ snapshot: Snapshot; conditions: Conditions }> {
  const conditions = new Conditions();
  const ordered = [...resources]
    .filter((each) => each.group === MIXER_GROUP)
    .sort((a, b) => compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`));
  const vocabulary = readManifests(ordered, conditions);
  const remotes = readRemotes(ordered, conditions);
  const handlers = new Map<string, Handled>();
  const instances = new Map<string, Instanced>();
  for (const resource of ordered) {
    const full = fullName(resource.name, resource.kind, resource.namespace);
    const legacy = ISTIO_ADAPTERS.has(resource.kind) || options.catalogue.has(resource.kind);
    if (legacy && !options.legacyHandlers)
      conditions.reject(
        resource,
        "Disabled",
        "kinds that are adapters are switched off (--useAdapterCRDs=false); use kind handler",
      );
    else if (legacy || resource.kind === "handler")
      handlers.set(full, readHandler(resource, options, remotes, conditions));
    else if (resource.kind === "instance" || TEMPLATES.has(resource.kind))
      instances.set(full, readInstance(resource, vocabulary, options, remotes, conditions));
  }
  const context = { vocabulary, handlers, instances, varieties: options.varieties };
  const rules = ordered.flatMap((resource) =>
    resource.kind === "rule" ? (readRule(resource, context, conditions) ?? []) : [],
  );
  const slots = await acquireHandlers(rules, handlers, options, conditions);
  try {
    return { snapshot: build(rules, ordered, vocabulary, slots, options, conditions), conditions };
  } catch (error) {
    // No snapshot will ever release them.
    await options.table.release(slots.values());
    throw error;
  }
}

/**
 * Denies the checks of a handler that is refused or cannot be started: a policy with a mistake in it must not let everything pass. Istio 1.1
 * kept an adapter's defaults. @returns undefined when the object says that requests may go on without it
 */
function standInFor({ name, resource }: Handled): HandlerSlot | undefined {
  if (handlerPolicyOf(resource, undefined).policy.failure === "open") return undefined;
  const denial = {
    code: UNAVAILABLE,
    message: "the handler is not at work; see its condition",
    validMs: 0,
    validUses: 0,
  };
  return { name, adapter: "", handler: { check: () => denial } };
}

function build(
  rules: readonly ReadRule[],
  resources: readonly Resource[],
  vocabulary: Vocabulary,
  slots: ReadonlyMap<string, HandlerSlot>,
  options: CompileOptions,
  conditions: Conditions,
): Snapshot {
  const known = new OutputVocabulary(vocabulary);
  const layout = new Layout(known);
  const identity = new IdentityReader(layout);
  const isRecorded = options.recorder.active;
  for (const name of isRecorded ? vocabulary.names() : options.inputs) layout.slot(name);
  const quotas = options.varieties.has("quota") ? new ServiceQuotas(resources, layout, conditions) : undefined;
  const isUnasked = ({ variety, action }: { variety: Variety; action: Action }): boolean =>
    variety === "quota" && quotas?.has(action.instance.shortName) !== true;
  const quotaName = ({ action }: { action: Action }): string => action.instance.shortName.toLowerCase();
  const compiler = new InstanceCompiler(layout);
  const plans = new Map<string, InstancePlan>();
  const matches = new Map<string, CompiledExpression>();
  const builders = new Map<string, PlanBuilder>();
  const compiled: CompiledRule[] = [];
  const add = ({ resource, match: text, actions, headers, problems: wrong }: ReadRule): void => {
    const problems = [...wrong];
    const built: { variety: Variety; action: Action }[] = [];
    const preprocess: Preprocess[] = [];
    const outputs = new Map<string, { readonly type: ValueType; readonly slot: number }>();
    let isFound = false;
    for (const { name: actionName, handler, instances } of actions) {
      const slot = slots.get(handler.name);
      const [asked, found] = partition(instances, (each) => !isBuiltIn(handler, each));
      for (const { resource: of } of found) {
        isFound = true;
        conditions.accept(of, "attached", "BuiltIn", FOUND);
        if (!slot) conditions.accept(handler.resource, "attached", "BuiltIn", FOUND);
      }
      if (asked.length === 0) continue;
      const output = outputOf(instances);
      const at = known.slots(`${resource.namespace}/${resource.name}/${actionName}`, output, layout);
      for (const [i, { name, type }] of output.entries())
        outputs.set(`${actionName}.output.${name}`, { type, slot: at[i]?.slot ?? -1 });
      const used = slot ?? standInFor(handler);
      if (!slot) problems.push(`the handler ${handler.name} is not at work${used ? "; its checks are denied" : ""}`);
      for (const instance of asked) {
        if (!instance.checked || !used || (!slot && instance.template.variety !== "check")) continue;
        const plan = plans.get(instance.name) ?? compiler.compile(instance.checked);
        plans.set(instance.name, plan);
        if (instance.template.variety === "attributes") {
          const bindings = bindingsToAsk(used.adapter, instance.checked);
          preprocess.push(compilePreprocess(used, plan, instance.checked, bindings, layout, known));
          conditions.accept(instance.resource, "attached", "Compiled", "a rule in effect uses it");
          continue;
        }
        const made = {
          variety: instance.template.variety,
          action: {
            handler: used,
            instance: plan,
            ...(at.length > 0 && instance === instances[0] ? { output: at } : {}),
          },
        };
        built.push(made);
        conditions.accept(instance.resource, "attached", "Compiled", "a rule in effect uses it");
        if (isUnasked(made)) conditions.unasked(instance.resource, [quotaName(made)], true);
      }
    }
    if (built.length + headers.length + preprocess.length > 0) {
      let match = text === "" ? undefined : matches.get(text);
      if (text !== "" && !match) {
        match = compileExpression(text, layout, "BOOL");
        matches.set(text, match);
      }
      const view = mergeViews(layout, outputs);
      const operations = headers.map(
        (each): HeaderPlan => ({
          ...each,
          value: each.value === undefined ? undefined : compileExpression(each.value, view, "STRING"),
        }),
      );
      const builder = builders.get(resource.namespace) ?? new PlanBuilder();
      builders.set(resource.namespace, builder);
      for (const variety of ["check", "quota", "report"] as const) {
        const of = built.filter((each) => each.variety === variety).map((each) => each.action);
        builder.add(builder[variety], match, of);
      }
      builder.add(builder.preprocess, match, preprocess);
      builder.add(builder.headers, match, operations);
      const { namespace } = resource;
      compiled.push({ key: keyOf(resource), namespace, match, actions: built, headers: operations.length });
      const message = problems.length === 0 ? "in effect" : `in effect, but not all of it: ${problems.join("; ")}`;
      conditions.accept(resource, "attached", problems.length === 0 ? "Compiled" : "PartlyRejected", message);
      const unasked = built.filter(isUnasked).map(quotaName);
      if (unasked.length > 0)
        conditions.unasked(
          resource,
          unasked,
          headers.length + preprocess.length === 0 && unasked.length === built.length,
        );
    } else if (isFound && problems.length === 0) conditions.accept(resource, "attached", "BuiltIn", FOUND);
    else conditions.reject(resource, "NoAction", `nothing of the rule can take effect: ${problems.join("; ")}`);
  };
  for (const rule of rules)
    try {
      add(rule);
    } catch (error) {
      // What passed the checks compiles; should it not, the other rules must not suffer.
      conditions.reject(rule.resource, "InvalidExpression", (error as Error).message);
    }
  // Last, as only what some expression reads is computed.
  const apis = new ServiceApis(resources, layout, conditions);
  const inherited = builders.get(options.defaultNamespace);
  const own = [...builders].filter(([namespace]) => namespace !== options.defaultNamespace);
  return new Snapshot({
    layout: layout.freeze(),
    identity,
    plans: new Map(own.map(([namespace, builder]) => [namespace, mergePlans(inherited, builder)])),
    fallback: mergePlans(inherited, undefined),
    quotas,
    apis,
    rules: compiled,
    defaultNamespace: options.defaultNamespace,
    handlers: [...slots.values()],
    table: options.table,
    log: options.log,
    asked: options.asked,
    recorder: isRecorded ? options.recorder : undefined,
  });
}

function partition<T>(all: readonly T[], test: (each: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((each) => !test(each))];
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
