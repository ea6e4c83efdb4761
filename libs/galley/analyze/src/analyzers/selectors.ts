import { labelsMatch } from "@xebec/model-names";
import type { Analyzer, Report } from "../analyzer.ts";
import type { MessageName } from "../message.ts";
import { type AnalyzedObject, fields, textMap } from "../object.ts";
import type { World } from "../world.ts";

type Labels = Readonly<Record<string, string>>;

/** Of objects that select pods only one may select a pod, and only one of a namespace may be without a selector. */
function exclusive(
  name: string,
  kind: readonly [group: string, kind: string],
  selectorOf: (object: AnalyzedObject) => Labels,
  messages: readonly [conflict: MessageName, several: MessageName],
): Analyzer {
  return {
    name,
    analyze(world, report) {
      const byNamespace = Map.groupBy(world.all(...kind), ({ namespace }) => namespace);
      for (const [namespace, objects] of byNamespace) {
        const general = objects.filter((object) => Object.keys(selectorOf(object)).length === 0);
        if (general.length > 1) {
          const names = general.map((each) => each.name).join(",");
          const what = `several objects ${kind[1]} of the namespace ${namespace} are without selector: ${names}; only one of them has an effect`;
          for (const object of general) report(messages[1], object, what);
        }
        const special = objects.filter((object) => !general.includes(object));
        reportConflicts(world, namespace, special, selectorOf, messages[0], report);
      }
    },
  };
}

function reportConflicts(
  world: World,
  namespace: string,
  objects: readonly AnalyzedObject[],
  selectorOf: (object: AnalyzedObject) => Labels,
  message: MessageName,
  report: Report,
): void {
  for (const pod of world.podsWith({}, namespace)) {
    const found = objects.filter((object) => labelsMatch(selectorOf(object), pod.labels));
    if (found.length < 2) continue;
    const names = found.map((each) => each.name).join(",");
    const what = `the objects ${names} select the same pods, those of ${pod.object.name}; only one of them has an effect`;
    for (const object of found) report(message, object, what);
  }
}

export const sidecarSelectors = exclusive(
  "sidecar.SelectorAnalyzer",
  ["networking.istio.io", "Sidecar"],
  ({ spec }) => textMap(fields(spec.workloadSelector).labels),
  ["ConflictingSidecarWorkloadSelectors", "MultipleSidecarsWithoutWorkloadSelectors"],
);

export const telemetrySelectors = exclusive(
  "telemetry.SelectorAnalyzer",
  ["telemetry.istio.io", "Telemetry"],
  ({ spec }) => textMap(fields(spec.selector).matchLabels),
  ["ConflictingTelemetryWorkloadSelectors", "MultipleTelemetriesWithoutWorkloadSelectors"],
);

/** The selector of a policy fits some pod. */
export const policySelectors: Analyzer = {
  name: "auth.AuthorizationPoliciesAnalyzer",
  analyze(world, report) {
    for (const object of world.all("security.istio.io", "AuthorizationPolicy")) {
      const labels = textMap(fields(object.spec.selector).matchLabels);
      if (Object.keys(labels).length === 0) continue;
      const namespace = object.namespace === world.rootNamespace ? undefined : object.namespace;
      if (world.podsWith(labels, namespace).length > 0) continue;
      const text = Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(",");
      report("NoMatchingWorkloadsFound", object, `no pod has the labels of the selector: ${text}`, [
        "spec",
        "selector",
      ]);
    }
  },
};
