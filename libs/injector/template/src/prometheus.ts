import { type Container, type EnvVar, PROXY } from "./pod.ts";

type Annotations = Readonly<Record<string, string>>;

const SCRAPE = "prometheus.io/scrape";
const PORT = "prometheus.io/port";
const PATH = "prometheus.io/path";
const MERGE = "prometheus.istio.io/merge-metrics";
const MERGED_PATH = "/stats/prometheus";
export const APP_METRICS = "ISTIO_PROMETHEUS_ANNOTATIONS";

/**
 * Lets Prometheus ask the agent, which has the metrics of Envoy, of itself, and of the app (docs/reference/platform.md §4.5).
 * @returns undefined where the pod does not want that
 */
export function mergedMetrics(
  annotations: Annotations,
  statusPort: string,
  isDefault: boolean,
): { readonly annotations: Annotations; readonly app?: EnvVar } | undefined {
  const wanted = annotations[MERGE] === undefined ? isDefault : annotations[MERGE] === "true";
  const { [SCRAPE]: scrape, [PORT]: port, [PATH]: path } = annotations;
  if (!wanted || (scrape !== undefined && scrape !== "true") || port === statusPort) return undefined;
  const app = { ...(scrape ? { scrape } : {}), ...(path ? { path } : {}), ...(port ? { port } : {}) };
  return {
    annotations: { [SCRAPE]: "true", [PORT]: statusPort, [PATH]: MERGED_PATH },
    ...(Object.keys(app).length > 0 ? { app: { name: APP_METRICS, value: JSON.stringify(app) } } : {}),
  };
}

/** Takes back what an earlier injection has written; what the app had is in its proxy. */
export function clearMergedMetrics(annotations: Annotations): Annotations {
  if (annotations[PATH] !== MERGED_PATH) return annotations;
  const { [SCRAPE]: _scrape, [PORT]: _port, [PATH]: _path, ...rest } = annotations;
  return rest;
}

/** What the app had before an earlier injection, out of the variable that this has set. */
export function earlierMetrics(proxy: Container | undefined): Annotations {
  const text = proxy?.name === PROXY ? proxy.env?.find(({ name }) => name === APP_METRICS)?.value : undefined;
  if (!text) return {};
  const { scrape, port, path } = JSON.parse(text) as Record<string, string>;
  return {
    ...(scrape ? { [SCRAPE]: scrape } : {}),
    ...(port ? { [PORT]: port } : {}),
    ...(path ? { [PATH]: path } : {}),
  };
}
