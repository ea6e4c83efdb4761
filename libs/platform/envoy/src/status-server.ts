import { XebecError } from "@xebec/core-errors";
import { type Component, missingOf } from "@xebec/core-lifecycle";
import { createHttpServer, requireOwnMachine } from "@xebec/platform-http";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { type AppProbe, probeApp } from "./app-probes.ts";
import type { EnvoyAdmin } from "./envoy-admin.ts";
import type { EnvoyProcess } from "./envoy-process.ts";
import { type MetricSources, mergedMetrics } from "./merged-metrics.ts";
import { ReadyWatch } from "./ready-watch.ts";

export interface StatusOptions {
  readonly address: { readonly host: string; readonly port: number };
  readonly admin: EnvoyAdmin;
  /** The proxy is ready when neither of these misses anything. */
  readonly identity: Component & Pick<WorkloadIdentity, "onChange">;
  readonly envoy: Pick<EnvoyProcess, keyof Component | "look" | "onChange">;
  readonly probes: ReadonlyMap<string, AppProbe>;
  /** Where the app's containers listen. */
  readonly appHost: string;
  readonly metrics: MetricSources;
  /** Ends the agent and its Envoy. */
  quit(): void;
  /** Lets Envoy's listeners drain. */
  drain(): Promise<void>;
}

/** The agent's own port (spec/pilot.md §7.5): readiness (`?watch` tells its changes), merged metrics, the app's probes, and its end. */
export function createStatusServer(options: StatusOptions): Component {
  const { address, admin, identity, envoy, probes, appHost } = options;
  let configured = false;
  const missing = async (): Promise<string[]> => {
    await envoy.look();
    const lines = missingOf([identity, envoy]);
    if (lines.length > 0) return lines;
    try {
      // Once is enough: later updates do not take the proxy out of service.
      configured ||= await admin.configured();
    } catch (error) {
      return [XebecError.from(error).message];
    }
    return configured ? [] : ["Envoy: clusters and listeners have not come from pilot yet"];
  };
  const watch = new ReadyWatch(missing);
  const unwatch = [identity.onChange(() => watch.changed()), envoy.onChange(() => watch.changed())];
  const server = createHttpServer({
    name: "agent status",
    address,
    limits: { maxBodyBytes: 4_096, maxConnections: 200 },
    routes(app) {
      app.get("/healthz/ready", async ({ query }, reply) => {
        if (query.watch !== undefined) return watch.serve(reply.raw);
        const lines = await missing();
        return reply.status(lines.length === 0 ? 200 : 503).send({ ready: lines.length === 0, missing: lines });
      });
      for (const path of ["/stats/prometheus", "/metrics"])
        app.get(path, async (request, reply) => {
          const at = request.url.indexOf("?");
          const text = await mergedMetrics(options.metrics, at === -1 ? "" : request.url.slice(at), request.headers);
          return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
        });
      for (const prefix of ["/app-health/*", "/app-lifecycle/*"])
        app.get(prefix, async (request, reply) => {
          const path = request.url.replace(/\?.*/s, "");
          const probe = probes.get(path);
          if (!probe) throw new XebecError("invalid_argument", `there is no probe ${path}`);
          return reply.status(await probeApp(probe, appHost)).send();
        });
      app.post("/quitquitquit", (request, reply) => {
        requireOwnMachine(request.raw, "this is");
        options.quit();
        return reply.type("text/plain").send("ok");
      });
      app.post("/drain", async (request, reply) => {
        requireOwnMachine(request.raw, "this is");
        await options.drain();
        return reply.type("text/plain").send("ok");
      });
    },
  });
  return {
    name: server.name,
    start: (signal) => server.start(signal),
    async close() {
      for (const end of unwatch) end();
      watch.close();
      await server.close?.();
    },
  };
}
