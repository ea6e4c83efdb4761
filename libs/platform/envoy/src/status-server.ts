import type { IncomingMessage } from "node:http";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { createPlainServer, requireOwnMachine } from "@xebec/platform-http/plain";
import { type AppProbe, probeApp } from "./app-probes.ts";
import { type MetricSources, mergedMetrics } from "./merged-metrics.ts";

export interface StatusOptions {
  readonly address: { readonly host: string; readonly port: number };
  /** What the proxy waits for before it is ready. */
  missing(): Promise<readonly string[]>;
  readonly probes: ReadonlyMap<string, AppProbe>;
  /** Where the app's containers listen. */
  readonly appHost: string;
  readonly metrics: MetricSources;
  /** Ends the agent and its Envoy. */
  quit(): void;
  /** Lets Envoy's listeners drain. */
  drain(): Promise<void>;
}

/** The agent's own port (docs/reference/pilot.md §7.5): readiness, merged metrics, the app's probes, and its end. */
export function createStatusServer(options: StatusOptions): Component {
  const { address, missing, probes, appHost } = options;
  const metrics = async (request: IncomingMessage) => {
    const { url = "", headers } = request;
    const at = url.indexOf("?");
    const body = await mergedMetrics(options.metrics, at === -1 ? "" : url.slice(at), headers);
    return { type: "text/plain; version=0.0.4", body };
  };
  const probe = async ({ url = "" }: IncomingMessage) => {
    const path = url.replace(/\?.*/s, "");
    const found = probes.get(path);
    if (!found) throw new XebecError("invalid_argument", `there is no probe ${path}`);
    return { status: await probeApp(found, appHost) };
  };
  return createPlainServer({
    name: "agent status",
    address,
    limits: { maxConnections: 200 },
    pages: {
      "GET /healthz/ready": async () => {
        const lines = await missing();
        return { status: lines.length === 0 ? 200 : 503, body: { ready: lines.length === 0, missing: lines } };
      },
      "GET /stats/prometheus": metrics,
      "GET /metrics": metrics,
      "GET /app-health/*": probe,
      "GET /app-lifecycle/*": probe,
      "POST /quitquitquit": (request) => {
        requireOwnMachine(request, "this is");
        options.quit();
        return { body: "ok" };
      },
      "POST /drain": async (request) => {
        requireOwnMachine(request, "this is");
        await options.drain();
        return { body: "ok" };
      },
    },
  });
}
