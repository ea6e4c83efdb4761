import { MIXER_GROUP } from "@xebec/mixer-config";
import type { Variety } from "@xebec/mixer-sdk";
import { Layout, type Vocabulary } from "@xebec/model-attributes";
import { type CompiledExpression, compileExpression } from "@xebec/model-expr";
import { fullName, ISTIO_ADAPTERS, TEMPLATES } from "@xebec/model-mixer";
import type { Resource } from "@xebec/model-resources";
import { acquireHandlers } from "./acquire-handlers.ts";
import { Conditions } from "./condition.ts";
import type { HandlerSlot } from "./handlers.ts";
import { InstanceCompiler, type InstancePlan } from "./instance-plan.ts";
import { type Action, type HeaderPlan, IdentityReader, mergePlans, PlanBuilder } from "./plan.ts";
import {
  type CompileOptions,
  type Handled,
  type Instanced,
  readHandler,
  readInstance,
  readManifests,
} from "./read-objects.ts";
import { type ReadRule, readRule } from "./rule-check.ts";
import { ServiceQuotas } from "./service-quotas.ts";
import { Snapshot } from "./snapshot.ts";

/** A proxy takes from the quotas that QuotaSpecs name (docs/reference/mixer.md §1.2). */
const NO_PROXY_ASKS = "no QuotaSpec that is bound to a service names the quota, so that no proxy asks for it";

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
    else if (legacy || resource.kind === "handler") handlers.set(full, readHandler(resource, options, conditions));
    else if (resource.kind === "instance" || TEMPLATES.has(resource.kind))
      instances.set(full, readInstance(resource, vocabulary, options, conditions));
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

function build(
  rules: readonly ReadRule[],
  resources: readonly Resource[],
  vocabulary: Vocabulary,
  slots: ReadonlyMap<string, HandlerSlot>,
  options: CompileOptions,
  conditions: Conditions,
): Snapshot {
  const layout = new Layout(vocabulary);
  const identity = new IdentityReader(layout);
  for (const name of options.inputs) layout.slot(name);
  const quotas = options.varieties.has("quota") ? new ServiceQuotas(resources, layout, conditions) : undefined;
  const isUnasked = ({ variety, action }: { variety: Variety; action: Action }): boolean =>
    variety === "quota" && quotas?.has(action.instance.shortName) !== true;
  const compiler = new InstanceCompiler(layout);
  const plans = new Map<string, InstancePlan>();
  const matches = new Map<string, CompiledExpression>();
  const builders = new Map<string, PlanBuilder>();
  for (const { resource, match: text, actions, headers, problems: known } of rules) {
    const problems = [...known];
    const built: { variety: Variety; action: Action }[] = [];
    for (const { handler, instances } of actions) {
      const slot = slots.get(handler.name);
      if (!slot) {
        problems.push(`the handler ${handler.name} could not be started`);
        continue;
      }
      for (const instance of instances) {
        if (!instance.checked) continue;
        const plan = plans.get(instance.name) ?? compiler.compile(instance.checked);
        plans.set(instance.name, plan);
        const made = { variety: instance.template.variety, action: { handler: slot, instance: plan } };
        built.push(made);
        if (isUnasked(made)) conditions.accept(instance.resource, "ignored", "NoProxyAsks", NO_PROXY_ASKS);
        else conditions.accept(instance.resource, "attached", "Compiled", "a rule in effect uses it");
      }
    }
    if (built.length + headers.length > 0) {
      let match = text === "" ? undefined : matches.get(text);
      if (text !== "" && !match) {
        match = compileExpression(text, layout, "BOOL");
        matches.set(text, match);
      }
      const builder = builders.get(resource.namespace) ?? new PlanBuilder();
      builders.set(resource.namespace, builder);
      for (const variety of ["check", "quota", "report"] as const) {
        const of = built.filter((each) => each.variety === variety).map((each) => each.action);
        builder.add(builder[variety], match, of);
      }
      const operations = headers.map(
        (each): HeaderPlan => ({
          ...each,
          value: each.value === undefined ? undefined : compileExpression(each.value, layout, "STRING"),
        }),
      );
      builder.add(builder.headers, match, operations);
      const isAsked = headers.length > 0 || !built.every(isUnasked);
      if (!isAsked && problems.length === 0) {
        conditions.accept(resource, "ignored", "NoProxyAsks", NO_PROXY_ASKS);
        continue;
      }
      if (built.some(isUnasked)) problems.push(NO_PROXY_ASKS);
      const message = problems.length === 0 ? "in effect" : `in effect, but not all of it: ${problems.join("; ")}`;
      conditions.accept(resource, "attached", problems.length === 0 ? "Compiled" : "PartlyRejected", message);
    } else conditions.reject(resource, "NoAction", `nothing of the rule can take effect: ${problems.join("; ")}`);
  }
  const inherited = builders.get(options.defaultNamespace);
  const own = [...builders].filter(([namespace]) => namespace !== options.defaultNamespace);
  return new Snapshot({
    layout: layout.freeze(),
    identity,
    plans: new Map(own.map(([namespace, builder]) => [namespace, mergePlans(inherited, builder)])),
    fallback: mergePlans(inherited, undefined),
    quotas,
    handlers: [...slots.values()],
    table: options.table,
    log: options.log,
  });
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
