import type { Exposition } from "@xebec/mixer-sdk";
import type { ListenAddress } from "@xebec/platform-grpc";
import { createHttpServer, type HttpServer } from "@xebec/platform-http";

/** Serves the metrics that adapters expose under `/metrics`, on Istio's port 42422 of the telemetry service. */
export function metricsEndpoint(address: ListenAddress, expositions: readonly Exposition[]): HttpServer {
  const contentType = expositions[0]?.contentType ?? "text/plain; charset=utf-8";
  return createHttpServer({
    name: "mesh metrics",
    address,
    limits: { maxBodyBytes: 1 << 10, maxConnections: 200 },
    routes: (app) => {
      app.get("/metrics", (_request, reply) =>
        reply.type(contentType).send(expositions.map((each) => each.text()).join("")),
      );
    },
  });
}
