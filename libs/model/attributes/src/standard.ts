import type { ValueType } from "./value-type.ts";

const group = (type: ValueType, names: string): [string, ValueType][] =>
  names
    .split(/\s+/)
    .filter(Boolean)
    .map((name) => [name, type]);

/**
 * Istio's standard attributes, declared without any manifest: those of the default manifests `istioproxy` and
 * `kubernetes`, and the deprecated `source.service` and `destination.service` (docs/reference/mixer.md §3).
 */
export const STANDARD_ATTRIBUTES: ReadonlyMap<string, ValueType> = new Map([
  ...group(
    "STRING",
    `source.uid source.name source.namespace source.principal source.user source.owner source.workload.uid source.workload.name
    source.workload.namespace source.services source.serviceAccount source.service destination.uid destination.name destination.namespace
    destination.principal destination.owner destination.workload.uid destination.workload.name destination.workload.namespace
    destination.container.name destination.serviceAccount destination.service.host destination.service.uid destination.service.name
    destination.service.namespace destination.service origin.uid origin.user request.id request.path request.url_path request.host
    request.method request.reason request.referer request.scheme request.useragent response.grpc_status response.grpc_message
    connection.id connection.event connection.requested_server_name context.protocol context.proxy_error_code context.reporter.kind
    context.reporter.uid api.service api.version api.operation api.protocol request.auth.principal request.auth.audiences
    request.auth.presenter request.auth.raw_claims request.api_key rbac.permissive.response_code rbac.permissive.effective_policy_id
    check.error_message`,
  ),
  ...group(
    "STRING_MAP",
    `source.labels source.metadata destination.labels destination.metadata request.headers request.query_params response.headers
    request.auth.claims`,
  ),
  ...group("IP_ADDRESS", "source.ip destination.ip origin.ip"),
  ...group(
    "INT64",
    `destination.port request.size request.total_size response.size response.total_size response.code connection.received.bytes
    connection.received.bytes_total connection.sent.bytes connection.sent.bytes_total check.error_code`,
  ),
  ...group("TIMESTAMP", "request.time response.time context.time context.timestamp"),
  ...group("DURATION", "response.duration connection.duration"),
  ...group("BOOL", "connection.mtls context.reporter.local check.cache_hit quota.cache_hit"),
]);
