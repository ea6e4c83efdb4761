import { defineTemplate, type Template } from "./template.ts";

const KUBERNETES_OUTPUT = {
  source_pod_ip: "IP_ADDRESS",
  source_pod_name: "STRING",
  source_labels: "STRING_MAP",
  source_namespace: "STRING",
  source_service_account_name: "STRING",
  source_host_ip: "IP_ADDRESS",
  destination_pod_ip: "IP_ADDRESS",
  destination_pod_name: "STRING",
  destination_labels: "STRING_MAP",
  destination_namespace: "STRING",
  destination_service_account_name: "STRING",
  destination_host_ip: "IP_ADDRESS",
  source_workload_uid: "STRING",
  source_workload_name: "STRING",
  source_workload_namespace: "STRING",
  source_owner: "STRING",
  destination_owner: "STRING",
  destination_workload_uid: "STRING",
  destination_workload_name: "STRING",
  destination_workload_namespace: "STRING",
  destination_container_name: "STRING",
  source_pod_uid: "STRING",
  destination_pod_uid: "STRING",
} as const;

const KUBERNETES_NUMBERS = {
  source_pod_ip: 1,
  source_pod_name: 2,
  source_labels: 3,
  source_namespace: 4,
  source_service_account_name: 6,
  source_host_ip: 7,
  destination_pod_ip: 8,
  destination_pod_name: 9,
  destination_labels: 10,
  destination_namespace: 11,
  destination_service_account_name: 13,
  destination_host_ip: 14,
  source_workload_uid: 22,
  source_workload_name: 23,
  source_workload_namespace: 24,
  source_owner: 25,
  destination_owner: 26,
  destination_workload_uid: 27,
  destination_workload_name: 28,
  destination_workload_namespace: 29,
  destination_container_name: 30,
  source_pod_uid: 31,
  destination_pod_uid: 32,
};

export const checknothing = defineTemplate({
  name: "checknothing",
  variety: "check",
  fields: {},
  wire: { service: "CheckNothing" },
});

export const reportnothing = defineTemplate({
  name: "reportnothing",
  variety: "report",
  fields: {},
  wire: { service: "ReportNothing" },
});

export const listentry = defineTemplate({
  name: "listentry",
  variety: "check",
  fields: { value: "ANY" },
  wire: { service: "ListEntry" },
});

export const quota = defineTemplate({
  name: "quota",
  variety: "quota",
  fields: { dimensions: ["ANY"] },
});

export const apikey = defineTemplate({
  name: "apikey",
  variety: "check",
  fields: {
    api: "STRING",
    api_version: "STRING",
    api_operation: "STRING",
    api_key: "STRING",
    timestamp: "TIMESTAMP",
  },
  wire: { service: "ApiKey" },
});

export const authorization = defineTemplate({
  name: "authorization",
  variety: "check",
  fields: {
    subject: { user: "STRING", groups: "STRING", properties: ["ANY"] },
    action: { namespace: "STRING", service: "STRING", method: "STRING", path: "STRING", properties: ["ANY"] },
  },
});

export const metric = defineTemplate({
  name: "metric",
  variety: "report",
  fields: {
    value: "ANY",
    dimensions: ["ANY"],
    monitored_resource_type: "STRING",
    monitored_resource_dimensions: ["ANY"],
  },
});

export const logentry = defineTemplate({
  name: "logentry",
  variety: "report",
  fields: {
    variables: ["ANY"],
    timestamp: "TIMESTAMP",
    severity: "STRING",
    monitored_resource_type: "STRING",
    monitored_resource_dimensions: ["ANY"],
  },
  wire: { service: "LogEntry" },
});

export const edge = defineTemplate({
  name: "edge",
  variety: "report",
  fields: {
    timestamp: "TIMESTAMP",
    source_workload_namespace: "STRING",
    source_workload_name: "STRING",
    source_owner: "STRING",
    source_uid: "STRING",
    destination_workload_namespace: "STRING",
    destination_workload_name: "STRING",
    destination_owner: "STRING",
    destination_uid: "STRING",
    destination_service_namespace: "STRING",
    destination_service_name: "STRING",
    context_protocol: "STRING",
    api_protocol: "STRING",
  },
  wire: {
    numbers: {
      source_workload_namespace: 10,
      source_workload_name: 11,
      source_owner: 12,
      source_uid: 13,
      destination_workload_namespace: 20,
      destination_workload_name: 21,
      destination_owner: 22,
      destination_uid: 23,
      destination_service_namespace: 24,
      destination_service_name: 25,
      context_protocol: 30,
      api_protocol: 31,
    },
  },
});

export const tracespan = defineTemplate({
  name: "tracespan",
  variety: "report",
  fields: {
    trace_id: "STRING",
    span_id: "STRING",
    parent_span_id: "STRING",
    span_name: "STRING",
    start_time: "TIMESTAMP",
    end_time: "TIMESTAMP",
    span_tags: ["ANY"],
    httpStatusCode: "INT64",
    client_span: "BOOL",
    rewrite_client_span_id: "BOOL",
    source_name: "STRING",
    source_ip: "IP_ADDRESS",
    destination_name: "STRING",
    destination_ip: "IP_ADDRESS",
    request_size: "INT64",
    request_total_size: "INT64",
    response_size: "INT64",
    response_total_size: "INT64",
    api_protocol: "STRING",
  },
  wire: { service: "TraceSpan" },
});

export const kubernetes = defineTemplate({
  name: "kubernetes",
  variety: "attributes",
  fields: {
    source_uid: "STRING",
    source_ip: "IP_ADDRESS",
    destination_uid: "STRING",
    destination_ip: "IP_ADDRESS",
    destination_port: "INT64",
  },
  output: KUBERNETES_OUTPUT,
  wire: { package: "adapter.template.kubernetes", numbers: { destination_port: 7 }, outputNumbers: KUBERNETES_NUMBERS },
});

/**
 * Istio's templates (docs/reference/mixer.md §5). The name is the kind of legacy instances and the value of `compiledTemplate`.
 */
export const ISTIO_TEMPLATES: ReadonlyMap<string, Template> = new Map(
  [
    checknothing,
    reportnothing,
    listentry,
    quota,
    apikey,
    authorization,
    metric,
    logentry,
    edge,
    tracespan,
    kubernetes,
  ].map((each) => [each.name, each as Template]),
);

const templates = new Map<string, Template>(ISTIO_TEMPLATES);

/** All templates that this process knows: Istio's, and those of adapters that were loaded. */
export const TEMPLATES: ReadonlyMap<string, Template> = templates;

/**
 * Makes a template known to this process; the one of that name before is replaced.
 * @returns takes it away again
 * @throws TypeError for the name of one of Istio's: configuration that exists means that one
 */
export function installTemplate(template: Template): () => void {
  if (ISTIO_TEMPLATES.has(template.name) && ISTIO_TEMPLATES.get(template.name) !== template)
    throw new TypeError(`the template ${template.name} is one of Istio's and cannot be replaced`);
  templates.set(template.name, template);
  return () => {
    if (!ISTIO_TEMPLATES.has(template.name) && templates.get(template.name) === template)
      templates.delete(template.name);
  };
}

/**
 * The template of an instance: the kind of a legacy one (`metric`), else what its spec names.
 * @returns undefined for a template that nobody has
 */
export function templateOfInstance(
  kind: string,
  spec: { readonly compiledTemplate?: string; readonly template?: string },
): Template | undefined {
  return TEMPLATES.get(kind === "instance" ? (spec.compiledTemplate ?? "") : kind);
}
