import { anyOf } from "@xebec/api-envoy";
import { GrpcWebSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/grpc_web/v3/grpc_web";
import type { HttpFilter } from "./http-filter.ts";
import { typedFilter } from "./typed-filter.ts";

/** Translates gRPC-Web to gRPC on ports with the protocol GRPC-Web. */
export const grpcWeb: HttpFilter = {
  name: "envoy.filters.http.grpc_web",
  phase: "protocol",
  listener: (_scope, connection) =>
    connection.grpcWeb ? typedFilter(grpcWeb.name, anyOf(GrpcWebSchema, {})) : undefined,
};
