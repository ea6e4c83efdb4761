import type { CheckedInstance } from "./instance-plan.ts";

/** The chart's instance for kubernetesenv (docs/reference/mixer.md §10.3). */
const INPUTS: Readonly<Record<string, string>> = {
  sourceUid: 'source.uid | ""',
  sourceIp: 'source.ip | ip("0.0.0.0")',
  destinationUid: 'destination.uid | ""',
  destinationPort: "destination.port | 0",
};

const BINDINGS: ReadonlyMap<string, string> = new Map(
  ["source", "destination"].flatMap((side) => {
    const own = (attribute: string, field: string, preset: string): [string, string] => [
      `${side}.${attribute}`,
      squeezed(`$out.${side}_${field} | ${preset}`),
    ];
    return [
      own("uid", "pod_uid", '"unknown"'),
      own("labels", "labels", "emptyStringMap()"),
      own("name", "pod_name", '"unknown"'),
      own("namespace", "namespace", '"default"'),
      own("owner", "owner", '"unknown"'),
      own("serviceAccount", "service_account_name", '"unknown"'),
      own("workload.uid", "workload_uid", '"unknown"'),
      own("workload.name", "workload_name", '"unknown"'),
      own("workload.namespace", "workload_namespace", '"unknown"'),
    ];
  }),
);

/**
 * The bindings of an instance that an adapter has to be asked for. Those of Istio's chart need no call: the services find the same
 * values by themselves, and only when an expression reads them.
 * @param adapter the name of the handler's adapter
 */
export function bindingsToAsk(adapter: string, { params }: Pick<CheckedInstance, "params">): [string, string][] {
  const all = Object.entries((params.attributeBindings as Readonly<Record<string, string>> | undefined) ?? {});
  if (adapter !== "kubernetesenv" || !hasStandardInputs(params)) return all;
  return all.filter(([name, text]) => BINDINGS.get(name) !== squeezed(text));
}

function hasStandardInputs(params: Readonly<Record<string, unknown>>): boolean {
  const given = Object.entries(params).filter(([key]) => key !== "attributeBindings");
  return given.every(([key, text]) => INPUTS[key] !== undefined && squeezed(INPUTS[key]) === squeezed(text as string));
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, "");
}
