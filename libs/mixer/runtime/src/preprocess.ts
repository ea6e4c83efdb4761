import { bindingText, OUTPUT_PREFIXES } from "@xebec/mixer-config";
import type { AttributeBag, AttributeValue, Layout, ValueType } from "@xebec/model-attributes";
import { type CompiledExpression, compileExpression } from "@xebec/model-expr";
import type { HandlerSlot } from "./handlers.ts";
import type { CheckedInstance, InstancePlan } from "./instance-plan.ts";
import { type OutputSlot, type OutputVocabulary, outputView, setOutput } from "./outputs.ts";

/** Values of a template's output by their keys. */
export type Output = Readonly<Record<string, AttributeValue>>;

/** An instance whose handler finds attributes. */
export interface Preprocess {
  readonly handler: HandlerSlot;
  readonly instance: InstancePlan;
  readonly output: readonly OutputSlot[];
  readonly bindings: readonly { readonly slot: number; readonly value: CompiledExpression }[];
}

/** Compiles the bindings of an instance into slots. @param bindings attribute and expression, which have been checked */
export function compilePreprocess(
  handler: HandlerSlot,
  instance: InstancePlan,
  { name, template }: CheckedInstance,
  bindings: readonly (readonly [string, string])[],
  layout: Layout,
  vocabulary: OutputVocabulary,
): Preprocess {
  const output = vocabulary.slots(name, template.output, layout);
  const view = outputView(layout, template.output, output, OUTPUT_PREFIXES);
  return {
    handler,
    instance,
    output,
    bindings: bindings.map(([attribute, text]) => ({
      slot: layout.slot(attribute),
      value: compileExpression(bindingText(text), view, vocabulary.typeOf(attribute) as ValueType),
    })),
  };
}

/**
 * Lays what an adapter found over a request (docs/reference/mixer.md §7.4): what the caller sent stays.
 * @throws EvaluationError when a binding cannot be evaluated
 */
export function applyOutput({ output, bindings }: Preprocess, found: Output, bag: AttributeBag): void {
  setOutput(bag, output, found);
  for (const { slot, value } of bindings) bag.generate(slot, value.evaluate(bag));
}
