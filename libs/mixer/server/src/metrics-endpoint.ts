import type { Exposition } from "@xebec/mixer-sdk";
import type { ListenAddress } from "@xebec/platform-grpc";
import { createHttpServer, type HttpServer } from "@xebec/platform-http";
import type { StandardMetrics } from "./standard-metrics.ts";

/** Serves the metrics that adapters expose under `/metrics`, on Istio's port 42422 of the telemetry service. */
export function metricsEndpoint(
  address: ListenAddress,
  expositions: readonly Exposition[],
  standard?: StandardMetrics,
): HttpServer {
  const contentType = expositions[0]?.contentType ?? "text/plain; charset=utf-8";
  return createHttpServer({
    name: "mesh metrics",
    address,
    limits: { maxBodyBytes: 1 << 10, maxConnections: 200 },
    routes: (app) => {
      app.get("/metrics", (_request, reply) => {
        const own = expositions.map((each) => each.text()).join("");
        return reply.type(contentType).send(own + (standard?.text(own) ?? ""));
      });
    },
  });
}
