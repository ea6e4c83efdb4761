import type { Analyzer } from "../analyzer.ts";
import { type AnalyzedObject, fields, textMap } from "../object.ts";
import { podTemplateOf } from "../workload.ts";
import { ANNOTATIONS, type AnnotationPlace } from "./annotation-list.ts";

/** Groups of annotations that belong to Istio. */
const OF_ISTIO = /(^|\.)istio\.io\//;

/** Annotations of Istio are known, stand where they count, and have a value that can be read. */
export const annotations: Analyzer = {
  name: "annotations.K8sAnalyzer",
  analyze(world, report) {
    for (const object of world.objects) {
      check(object, object.annotations, placeOf(object), ["metadata", "annotations"]);
      const pod = object.kind === "Pod" ? undefined : podTemplateOf(object);
      const metadata = pod && fields(pod.path.reduce((value, field) => fields(value[field]), object.value).metadata);
      if (pod && metadata)
        check(object, textMap(metadata.annotations), "Pod", [...pod.path, "metadata", "annotations"]);
    }

    function check(
      object: AnalyzedObject,
      found: Readonly<Record<string, string>>,
      place: AnnotationPlace | undefined,
      at: readonly string[],
    ): void {
      for (const [name, value] of Object.entries(found)) {
        if (!OF_ISTIO.test(name)) continue;
        const path = [...at, name];
        const known = ANNOTATIONS.get(name);
        if (!known) report("UnknownAnnotation", object, `the annotation ${name} is not known`, path);
        else if (!known.places.includes("Any") && (place === undefined || !known.places.includes(place)))
          report(
            "MisplacedAnnotation",
            object,
            `the annotation ${name} has an effect only on ${known.places.join(", ")}`,
            path,
          );
        else {
          if (known.deprecated) report("DeprecatedAnnotation", object, `the annotation ${name} is deprecated`, path);
          const problem = known.check?.(value) ?? "";
          if (problem) report("InvalidAnnotation", object, `the annotation ${name}: ${problem}`, path);
        }
      }
    }
  },
};

function placeOf({ group, kind }: AnalyzedObject): AnnotationPlace | undefined {
  if (group === "" && (kind === "Pod" || kind === "Service" || kind === "Namespace")) return kind;
  if (kind === "Ingress") return "Ingress";
  if (group.endsWith("istio.io")) return "Any";
  return undefined;
}
