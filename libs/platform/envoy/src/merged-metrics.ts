import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { httpCall } from "@xebec/platform-http/call";
import { isObject, portOf } from "./proxy-config-values.ts";

const log = logger("agent");
const SCRAPE_MS = 5_000;
/** Says on whose behalf a page is asked for: an app that passes it on to this agent's port again would make it endless. */
const ASKED_BY = "x-xebec-scraped-by";
const OWN_ID = randomUUID();

/** Where the app's own metrics are. */
export interface AppMetrics {
  readonly path: string;
  readonly port: number;
}

/**
 * Reads ISTIO_PROMETHEUS_ANNOTATIONS: JSON `{scrape, path = /metrics, port = 80}`.
 * @param statusPort the agent's own port, which cannot be the app's: its page would hold itself (Istio refuses it, too)
 * @returns undefined when the app is not to be scraped
 * @throws XebecError invalid_argument
 */
export function parsePrometheusAnnotations(text: string, statusPort: number): AppMetrics | undefined {
  if (text === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new XebecError("invalid_argument", "ISTIO_PROMETHEUS_ANNOTATIONS is not JSON", { cause: error });
  }
  if (!isObject(value) || String(value.scrape) !== "true") return undefined;
  const path = typeof value.path === "string" && value.path ? value.path : "/metrics";
  const port = portOf(value.port || 80, "ISTIO_PROMETHEUS_ANNOTATIONS.port");
  if (port === statusPort) {
    log.warn(
      { port },
      "the app's metrics are left out: the annotation prometheus.io/port names the agent's own port; name the app's",
    );
    return undefined;
  }
  return { path: path.startsWith("/") ? path : `/${path}`, port };
}

export interface MetricSources {
  readonly metrics: Metrics;
  /** Envoy's admin interface; absent where there is no Envoy. */
  readonly envoy?: { readonly host: string; readonly port: number };
  readonly app: (AppMetrics & { readonly host: string }) | undefined;
}

/**
 * Agent, Envoy and app in one page (docs/reference/pilot.md §7.5). A source that fails is left out and counted.
 * @param query passed on to Envoy, with its question mark
 * @param headers of the request for the page
 * @throws XebecError failed_precondition when this page is asked for in order to make this page
 */
export async function mergedMetrics(
  { metrics, envoy, app }: MetricSources,
  query: string,
  headers: IncomingHttpHeaders,
): Promise<string> {
  if (headers[ASKED_BY] === OWN_ID)
    throw new XebecError(
      "failed_precondition",
      "this page would hold itself: prometheus.io/port and path lead back to the agent; name the app's own page",
    );
  const failures = metrics.counter("istio_agent_scrape_failures_total", "Scrapes that failed, by source.", ["type"]);
  metrics.counter("istio_agent_scrapes_total", "Scrapes of the merged page.").inc();
  const ask = async (type: string, host: string, port: number, path: string): Promise<string> => {
    try {
      const headers = { [ASKED_BY]: OWN_ID };
      const { status, body } = await httpCall({ host, port }, path, { timeoutMs: SCRAPE_MS, headers });
      if (status === 200) return body.endsWith("\n") ? body : `${body}\n`;
      throw new XebecError("unavailable", `${path} answered with ${status}`);
    } catch (error) {
      failures.inc({ type });
      log.debug({ err: error, type }, "a source of metrics failed");
      return "";
    }
  };
  const [fromEnvoy, fromApp] = await Promise.all([
    envoy ? ask("envoy", envoy.host, envoy.port, `/stats/prometheus${query}`) : "",
    app ? ask("application", app.host, app.port, app.path) : "",
  ]);
  const own = await metrics.registry.metrics();
  // An app that speaks OpenMetrics ends its page with a mark that must not stand in the middle.
  return `${own}\n${fromEnvoy}${fromApp.replace(/# EOF\n$/, "")}`;
}
