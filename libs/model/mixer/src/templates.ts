import { defineTemplate, type Template } from "./template.ts";

/**
 * Istio's templates (docs/reference/mixer.md §5). The name is the kind of legacy instances and the value of `compiledTemplate`.
 */
export const TEMPLATES: ReadonlyMap<string, Template> = new Map(
  [
    defineTemplate("checknothing", "check", {}),
    defineTemplate("reportnothing", "report", {}),
    defineTemplate("listentry", "check", { value: "ANY" }),
    defineTemplate("quota", "quota", { dimensions: ["ANY"] }),
    defineTemplate("apikey", "check", {
      api: "STRING",
      api_version: "STRING",
      api_operation: "STRING",
      api_key: "STRING",
      timestamp: "TIMESTAMP",
    }),
    defineTemplate("authorization", "check", {
      subject: { user: "STRING", groups: "STRING", properties: ["ANY"] },
      action: { namespace: "STRING", service: "STRING", method: "STRING", path: "STRING", properties: ["ANY"] },
    }),
    defineTemplate("metric", "report", {
      value: "ANY",
      dimensions: ["ANY"],
      monitored_resource_type: "STRING",
      monitored_resource_dimensions: ["ANY"],
    }),
    defineTemplate("logentry", "report", {
      variables: ["ANY"],
      timestamp: "TIMESTAMP",
      severity: "STRING",
      monitored_resource_type: "STRING",
      monitored_resource_dimensions: ["ANY"],
    }),
    defineTemplate("edge", "report", {
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
    }),
    defineTemplate("tracespan", "report", {
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
    }),
    defineTemplate("kubernetes", "attributes", {
      source_uid: "STRING",
      source_ip: "IP_ADDRESS",
      destination_uid: "STRING",
      destination_ip: "IP_ADDRESS",
      destination_port: "INT64",
    }),
  ].map((each) => [each.name, each]),
);

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
