import { writeYaml } from "@xebec/core-yaml";
import { allCrds } from "@xebec/model-resources";
import { controlPlaneKnown } from "./control-plane.ts";
import { withHints } from "./istio-values.ts";
import type { JsonSchema } from "./json-schema.ts";
import { type Known, valuesSchema } from "./values-schema.ts";

const OPEN: JsonSchema = { type: "object", additionalProperties: true };
const TEXTS: JsonSchema = { type: "object", additionalProperties: { type: ["string", "number", "boolean"] } };
const GATEWAY: Known = {
  kind: { enum: ["ingress", "egress"] },
  "*.resources": OPEN,
  "service.type": { enum: ["", "LoadBalancer", "NodePort", "ClusterIP"] },
  "service.externalTrafficPolicy": { enum: ["", "Local", "Cluster"] },
  ...{ env: TEXTS, podAnnotations: TEXTS, podLabels: TEXTS, labels: TEXTS, "service.annotations": TEXTS },
};

/** The charts, and what their values' defaults do not show. */
export const CHARTS: Readonly<Record<string, { readonly title: string; readonly known: () => Known }>> = {
  crds: { title: "Values of the chart xebec-crds", known: () => ({}) },
  "control-plane": { title: "Values of the chart xebec", known: controlPlaneKnown },
  gateway: { title: "Values of the chart xebec-gateway", known: () => GATEWAY },
  addons: { title: "Values of the chart xebec-addons", known: () => ({ "*.resources": OPEN }) },
};

/** The schema of a chart's values. @param read reads a file below the folder of the charts */
export function chartSchema(chart: string, read: (path: string) => string): JsonSchema {
  const { title, known } = CHARTS[chart] as (typeof CHARTS)[string];
  const schema = valuesSchema(read(`${chart}/values.yaml`), title, known());
  return chart === "control-plane" ? withHints(schema, read(`${chart}/istio-values.yaml`)) : schema;
}

/**
 * The files of the charts that are made from code.
 * @param read reads a file below the folder of the charts
 * @returns path below that folder, and content
 */
export function generatedFiles(read: (path: string) => string): [path: string, text: string][] {
  const crds = allCrds().map((crd) => writeYaml(crd));
  return [
    ["crds/gen/crds.yaml", crds.join("---\n")],
    ...Object.keys(CHARTS).map((chart): [string, string] => [
      `${chart}/values.schema.json`,
      `${JSON.stringify(chartSchema(chart, read), null, 1)}\n`,
    ]),
  ];
}
