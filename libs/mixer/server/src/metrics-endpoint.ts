import type { ListenAddress } from "@xebec/platform-grpc";
import { createHttpServer, type HttpServer } from "@xebec/platform-http";

/** Serves the mesh's metrics under `/metrics`, on Istio's port 42422 of the telemetry service. */
export function metricsEndpoint(address: ListenAddress, contentType: string, text: () => string): HttpServer {
  return createHttpServer({
    name: "mesh metrics",
    address,
    limits: { maxBodyBytes: 1 << 10, maxConnections: 200 },
    routes: (app) => {
      app.get("/metrics", (_request, reply) => reply.type(contentType).send(text()));
    },
  });
}
