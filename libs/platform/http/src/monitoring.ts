import { XebecError } from "@xebec/core-errors";
import { type Component, missingOf } from "@xebec/core-lifecycle";
import { LOG_LEVELS, logLevels, setLogLevel } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import type { ListenAddress } from "@xebec/platform-grpc/listen";
import type { FastifyInstance } from "fastify";
import { requireOwnMachine } from "./caller.ts";
import type { HttpServer } from "./listener.ts";
import { createHttpServer } from "./server.ts";

export interface MonitoringOptions {
  /** The service's name, shown by `/version` and in errors. */
  readonly name: string;
  /** Istio's monitoring port is 15014. */
  readonly address: ListenAddress;
  /** The service is ready when none of these misses anything. */
  readonly components: readonly Component[];
  readonly metrics: Metrics;
  /** The build, shown by `/version` (environment variable XEBEC_VERSION, else `dev`). */
  readonly version?: string;
  /** Adds pages of the service's own. */
  readonly routes?: (app: FastifyInstance) => void;
}

/**
 * The monitoring port of a service:
 * - `/healthz`: 200 while the process runs; liveness is not readiness;
 * - `/readyz`: 200 `{"ready":true,"missing":[]}`, or 503 with what is missing in words;
 * - `/metrics`: Prometheus text; `/version`: plain text;
 * - `/scopez`: GET shows the log level of every scope; PUT `/scopez/<scope>` `{"level":"debug"}` sets one, scope `default`
 *   sets all. Changes are taken from the loopback interface only.
 */
export function monitoring(options: MonitoringOptions): HttpServer {
  return createHttpServer({
    name: `${options.name} monitoring`,
    address: options.address,
    limits: { maxBodyBytes: 16 << 10, maxConnections: 200 },
    routes: (app) => monitoringRoutes(app, options),
  });
}

/** Adds the routes of `monitoring` to an app that serves others too. */
export function monitoringRoutes(app: FastifyInstance, options: Omit<MonitoringOptions, "address">): void {
  options.routes?.(app);
  const { name, components, metrics, version = process.env.XEBEC_VERSION ?? "dev" } = options;
  app.get("/healthz", (_request, reply) => reply.type("text/plain").send("ok\n"));
  app.get("/readyz", (_request, reply) => {
    const missing = missingOf(components);
    return reply.status(missing.length === 0 ? 200 : 503).send({ ready: missing.length === 0, missing });
  });
  app.get("/metrics", async (_request, reply) => {
    const text = await metrics.registry.metrics();
    return reply.type(metrics.registry.contentType).send(text);
  });
  app.get("/version", (_request, reply) => reply.type("text/plain").send(`xebec ${name} ${version}\n`));
  app.get("/scopez", () => logLevels());
  app.put<{ Params: { scope: string } }>("/scopez/:scope", (request) => {
    requireOwnMachine(request.raw, "log levels are");
    const { scope } = request.params;
    const body: unknown = request.body;
    const wanted: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "level") : undefined;
    const level = LOG_LEVELS.find((each) => each === wanted);
    if (!level) throw new XebecError("invalid_argument", `"level" must be one of ${LOG_LEVELS.join(", ")}`);
    // Only scopes that exist: a caller must not be able to make the table grow.
    if (!Object.hasOwn(logLevels(), scope))
      throw new XebecError("not_found", `there is no log scope "${scope}"; GET /scopez lists them`);
    setLogLevel(level, scope);
    return { [scope]: level };
  });
}
