import type { Analyzer } from "../analyzer.ts";
import type { AnalyzedObject } from "../object.ts";
import { podTemplateOf } from "../workload.ts";
import type { World } from "../world.ts";
import { ANNOTATIONS, type AnnotationPlace } from "./annotation-list.ts";

/** Groups of annotations that belong to Istio. */
const OF_ISTIO = /(^|\.)istio\.io\//;

/** Every annotation of Istio of an object and of its pods. @returns the place that it is in; undefined for one where none counts */
function* annotationsOf(world: World): Generator<Found> {
  for (const object of world.objects) {
    yield* found(object, object.annotations, placeOf(object), ["metadata", "annotations"]);
    const pod = object.kind === "Pod" ? undefined : podTemplateOf(object);
    if (pod) yield* found(object, pod.annotations, "Pod", [...pod.path, "metadata", "annotations"]);
  }
}

interface Found {
  readonly object: AnalyzedObject;
  readonly name: string;
  readonly value: string;
  readonly place: AnnotationPlace | undefined;
  readonly path: readonly string[];
}

function* found(
  object: AnalyzedObject,
  annotations: Readonly<Record<string, string>>,
  place: AnnotationPlace | undefined,
  at: readonly string[],
): Generator<Found> {
  for (const [name, value] of Object.entries(annotations))
    if (OF_ISTIO.test(name)) yield { object, name, value, place, path: [...at, name] };
}

/** Annotations of Istio are known, stand where they count, and have a value that can be read. */
export const annotations: Analyzer = {
  name: "annotations.K8sAnalyzer",
  analyze(world, report) {
    for (const { object, name, value, place, path } of annotationsOf(world)) {
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
  },
};

/** Annotations that Istio calls alpha. As with istioctl, that is most of them, so it is said only to whoever asks. */
export const alphaAnnotations: Analyzer = {
  name: "annotations.AlphaAnalyzer",
  onlyByName: true,
  analyze(world, report) {
    for (const { object, name, path } of annotationsOf(world)) {
      const known = ANNOTATIONS.get(name);
      if (!known || known.mature || known.deprecated) continue;
      const what = `the annotation ${name} is part of a feature that Istio calls alpha`;
      report("AlphaAnnotation", object, what, path);
    }
  },
};

function placeOf({ group, kind }: AnalyzedObject): AnnotationPlace | undefined {
  if (group === "" && (kind === "Pod" || kind === "Service" || kind === "Namespace")) return kind;
  if (kind === "Ingress") return "Ingress";
  if (group.endsWith("istio.io")) return "Any";
  return undefined;
}
