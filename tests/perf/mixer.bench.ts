import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@xebec/testing-launch";
import { checkFigures } from "./mixer/checks.ts";
import { edgeFigures } from "./mixer/edge.ts";
import { expressionFigures } from "./mixer/expressions.ts";
import { quotaFigures } from "./mixer/quotas.ts";
import { accessLogFigure, reportFigure } from "./mixer/reports.ts";
import type { Figure } from "./table.ts";

const SAMPLES = join(import.meta.dirname, "../../deploy/samples/bookinfo");

const QUOTA = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: count, namespace: istio-system}
spec: {compiledAdapter: memquota, params: {quotas: [{name: bench.instance.istio-system, maxAmount: 1000000000, validDuration: 60s}]}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: bench, namespace: istio-system}
spec: {compiledTemplate: quota, params: {dimensions: {host: 'destination.service.host | "unknown"'}}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: count, namespace: istio-system}
spec: {actions: [{handler: count, instances: [bench]}]}
`;

/** Checks, reports, expressions, quotas, and what policy costs a request through a real Envoy. `XEBEC_BENCH_MIXER=checks,edge` chooses. */
export async function mixerFigures(): Promise<Figure[]> {
  using folder = tempDir();
  const dir = folder.file("config");
  mkdirSync(dir);
  cpSync(join(SAMPLES, "policy/mixer-rule-deny-label.yaml"), join(dir, "deny.yaml"));
  cpSync(join(SAMPLES, "policy/mixer-rule-list.yaml"), join(dir, "list.yaml"));
  cpSync(join(SAMPLES, "telemetry/metrics.yaml"), join(dir, "metrics.yaml"));
  writeFileSync(join(dir, "quota.yaml"), QUOTA);
  const file = (name: string): string => folder.file(name);
  const parts = {
    checks: () => checkFigures(dir, file),
    reports: async () => [
      await accessLogFigure(dir, file("telemetry.log")),
      await reportFigure(dir, file("telemetry-2.log")),
    ],
    edge: () => edgeFigures(dir, file),
    expressions: async () => expressionFigures(),
    quotas: quotaFigures,
  };
  const chosen = process.env.XEBEC_BENCH_MIXER?.split(",");
  const figures: Figure[] = [];
  for (const [name, part] of Object.entries(parts)) if (chosen?.includes(name) ?? true) figures.push(...(await part()));
  return figures;
}
