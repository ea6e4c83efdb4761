import type { HttpConnection } from "../../filter/connection.ts";

/** HTTP to other services. @param rds the name of the route table */
export function outboundHttp(
  listener: string,
  rds: string,
  more: Pick<HttpConnection, "connect" | "grpcWeb" | "port"> = {},
): HttpConnection {
  return { protocol: "http", kind: "outbound", statPrefix: `outbound_${listener}`, routes: { rds }, ...more };
}
