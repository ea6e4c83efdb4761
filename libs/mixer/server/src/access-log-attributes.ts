import { RequestMethod, RequestMethodSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { type AttributeValue, parseIp } from "@xebec/model-attributes";
import type { AccessLogEntry } from "./access-log-entry.ts";
import { orAbsent, originIp, protocolOf, queryParams, urlPath } from "./request-attributes.ts";

/** Reads one attribute of an entry; undefined when it is absent. */
export type AccessLogLoader = (bag: AccessLogEntry) => AttributeValue | undefined;

/** Names of envoy.config.core.v3.RequestMethod, by number; "" for none. */
const METHODS: string[] = [];
for (const { name, number } of RequestMethodSchema.values)
  METHODS[number] = number === RequestMethod.METHOD_UNSPECIFIED ? "" : name;

/** The method of a number of RequestMethod; "" for none. */
export function methodName(number: number): string {
  return METHODS[number] ?? "";
}

/** How each attribute is read from an access-log entry of Envoy. */
export const LOADERS: Readonly<Record<string, AccessLogLoader>> = {
  "source.ip": (bag) => parseIp(bag.address("source").ip),
  "source.principal": (bag) => orAbsent(bag.principal("source")),
  "source.user": (bag) => orAbsent(bag.principal("source")),
  "destination.ip": (bag) => parseIp(bag.address("destination").ip),
  "destination.port": (bag) => bag.address("destination").port || undefined,
  "destination.principal": (bag) => orAbsent(bag.principal("destination")),
  "destination.service.host": (bag) => bag.serviceView?.host,
  "destination.service.name": (bag) => bag.serviceView?.name,
  "destination.service.namespace": (bag) => orAbsent(bag.serviceView?.namespace),
  "destination.service": (bag) => bag.serviceView?.host,
  "destination.service.uid": (bag) => {
    const view = bag.serviceView;
    return view?.namespace ? `istio://${view.namespace}/services/${view.name}` : undefined;
  },
  "origin.ip": (bag) => originIp(bag.text("forwardedFor"), bag.address("source").ip),
  "request.id": (bag) => orAbsent(bag.text("requestId")),
  "request.method": (bag) => orAbsent(bag.method),
  "request.path": (bag) => orAbsent(bag.path),
  "request.url_path": (bag) => orAbsent(urlPath(bag.path)),
  "request.query_params": (bag) => (bag.isHttp ? queryParams(bag.path) : undefined),
  "request.host": (bag) => orAbsent(bag.text("authority")),
  "request.scheme": (bag) => orAbsent(bag.text("scheme")),
  "request.useragent": (bag) => orAbsent(bag.text("userAgent")),
  "request.referer": (bag) => orAbsent(bag.text("referer")),
  "request.headers": (bag) => (bag.isHttp ? bag.requestHeaders : undefined),
  "request.time": (bag) => (bag.isHttp ? bag.startTime : undefined),
  "request.size": (bag) => (bag.isHttp ? bag.number("requestBodyBytes") : undefined),
  "request.total_size": (bag) =>
    bag.isHttp ? bag.number("requestHeadersBytes") + bag.number("requestBodyBytes") : undefined,
  "response.headers": (bag) => (bag.isHttp ? bag.responseHeaders : undefined),
  "response.code": (bag) => (bag.isHttp ? bag.responseCode : undefined),
  "response.size": (bag) => (bag.isHttp ? bag.number("responseBodyBytes") : undefined),
  "response.total_size": (bag) =>
    bag.isHttp ? bag.number("responseHeadersBytes") + bag.number("responseBodyBytes") : undefined,
  "response.duration": (bag) => (bag.isHttp ? bag.duration : undefined),
  "response.time": (bag) => (bag.isHttp ? bag.endTime : undefined),
  "response.grpc_status": (bag) => bag.grpc("grpc-status"),
  "response.grpc_message": (bag) => bag.grpc("grpc-message"),
  "connection.mtls": (bag) => bag.reporter.kind === "inbound" && bag.principal("source") !== "",
  "connection.requested_server_name": (bag) => orAbsent(bag.text("serverName")),
  "connection.id": (bag) => (bag.isHttp ? undefined : orAbsent(bag.text("streamId"))),
  "connection.event": (bag) => (bag.isHttp ? undefined : bag.event),
  "connection.duration": (bag) => (bag.isHttp || bag.event === "open" ? undefined : bag.duration),
  "connection.received.bytes": (bag) => bag.connectionBytes("receivedBytes"),
  "connection.received.bytes_total": (bag) => bag.connectionBytes("receivedBytes"),
  "connection.sent.bytes": (bag) => bag.connectionBytes("sentBytes"),
  "connection.sent.bytes_total": (bag) => bag.connectionBytes("sentBytes"),
  "context.protocol": (bag) => (bag.isHttp ? protocolOf(bag.contentType) : "tcp"),
  "context.time": (bag) => bag.startTime,
  "context.proxy_error_code": (bag) => bag.flags,
  "context.reporter.kind": (bag) => bag.reporter.kind,
  "context.reporter.uid": (bag) => bag.reporter.peer?.uid,
};
