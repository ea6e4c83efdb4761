import type { IncomingMessage } from "node:http";
import { XebecError } from "@xebec/core-errors";
import { type Component, missingOf } from "@xebec/core-lifecycle";
import { createPlainServer, requireOwnMachine } from "@xebec/platform-http/plain";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { type AppProbe, probeApp } from "./app-probes.ts";
import type { EnvoyAdmin } from "./envoy-admin.ts";
import type { EnvoyProcess } from "./envoy-process.ts";
import { type MetricSources, mergedMetrics } from "./merged-metrics.ts";

export interface StatusOptions {
  readonly address: { readonly host: string; readonly port: number };
  readonly admin: EnvoyAdmin;
  /** The proxy is ready when neither of these misses anything. */
  readonly identity: Component & Pick<WorkloadIdentity, "onChange">;
  readonly envoy: Pick<EnvoyProcess, keyof Component | "look" | "onChange">;
  /** The DNS proxy, where there is one: the proxy is not ready before it. */
  readonly dns?: Component;
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
  const { address, admin, identity, envoy, dns, probes, appHost } = options;
  let configured = false;
  const missing = async (): Promise<string[]> => {
    await envoy.look();
    const lines = missingOf([identity, envoy, ...(dns ? [dns] : [])]);
    if (lines.length > 0) return lines;
    try {
      // Once is enough: later updates do not take the proxy out of service.
      configured ||= await admin.configured();
    } catch (error) {
      return [XebecError.from(error).message];
    }
    return configured ? [] : ["Envoy: clusters and listeners have not come from pilot yet"];
  };
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
