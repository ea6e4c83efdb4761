/**
 * The adapters of Istio 1.1 with their templates (docs/reference/mixer.md §6): also those that a service does not have,
 * so that it can distinguish an adapter which is not there from one that never existed.
 */
export const ISTIO_ADAPTERS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    bypass: ["checknothing", "reportnothing", "metric", "quota"],
    circonus: ["metric"],
    cloudwatch: ["metric", "logentry"],
    denier: ["checknothing", "listentry", "quota"],
    dogstatsd: ["metric"],
    fluentd: ["logentry"],
    kubernetesenv: ["kubernetes"],
    listchecker: ["listentry"],
    memquota: ["quota"],
    noop: ["authorization", "checknothing", "reportnothing", "listentry", "logentry", "metric", "quota", "tracespan"],
    opa: ["authorization"],
    prometheus: ["metric"],
    rbac: ["authorization"],
    redisquota: ["quota"],
    signalfx: ["metric", "tracespan"],
    solarwinds: ["metric", "logentry"],
    stackdriver: ["metric", "logentry", "tracespan", "edge"],
    statsd: ["metric"],
    stdio: ["logentry", "metric"],
    zipkin: ["tracespan"],
  }),
);
