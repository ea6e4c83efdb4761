import { fieldsOf, isFields } from "./fields.ts";
import { isSelector, type Selector, selectorFits } from "./selector.ts";

/** One webhook of a MutatingWebhookConfiguration, as far as it says which pods come to the injector. */
export interface PodWebhook {
  readonly configuration: string;
  readonly name: string;
  readonly revision: string;
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
}

type Labels = Readonly<Record<string, string>>;

/** The webhooks of injectors in a configuration. @param object a MutatingWebhookConfiguration */
export function podWebhooksOf(object: Readonly<Record<string, unknown>>): PodWebhook[] {
  const { name, labels } = fieldsOf(object.metadata);
  const webhooks = Array.isArray(object.webhooks) ? object.webhooks.filter(isFields) : [];
  return webhooks
    .filter((each) => String(each.name).endsWith("sidecar-injector.istio.io"))
    .map((each) => ({
      ...{ configuration: String(name), name: String(each.name) },
      revision: String(fieldsOf(labels)["istio.io/rev"] ?? "default"),
      namespaceSelector: selectorOf(each.namespaceSelector),
      objectSelector: selectorOf(each.objectSelector),
    }));
}

function selectorOf(value: unknown): Selector {
  return isSelector(value) ? value : {};
}

/** Why a pod does not come to a webhook; undefined when it does. */
export function refusalOf(webhook: PodWebhook, namespaceLabels: Labels, podLabels: Labels): string | undefined {
  if (!selectorFits(webhook.namespaceSelector, namespaceLabels))
    return `the labels of the namespace do not fit its namespaceSelector ${textOf(webhook.namespaceSelector)}`;
  if (!selectorFits(webhook.objectSelector, podLabels))
    return `the labels of the pod do not fit its objectSelector ${textOf(webhook.objectSelector)}`;
  return undefined;
}

/** A selector as kubectl takes it. */
function textOf({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === "Exists") return key;
      if (operator === "DoesNotExist") return `!${key}`;
      return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(", ")})`;
    }),
  ].join(", ");
}
