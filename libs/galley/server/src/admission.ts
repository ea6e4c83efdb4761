import { XebecError } from "@xebec/core-errors";
import type { Metrics } from "@xebec/core-metrics";
import {
  type MixerContext,
  prepareValidation,
  type Validated,
  validateObject,
  violationsText,
  violationText,
} from "@xebec/galley-validate";
import type { FastifyInstance } from "fastify";

/** Kubernetes' AdmissionReview, as far as it is read (admission.k8s.io/v1 and v1beta1). */
interface AdmissionReview {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly request?: {
    readonly uid?: unknown;
    readonly operation?: unknown;
    readonly namespace?: unknown;
    readonly name?: unknown;
    readonly subResource?: unknown;
    readonly resource?: { readonly group?: unknown; readonly version?: unknown; readonly resource?: unknown };
    readonly object?: unknown;
  };
}

const REVIEW_VERSIONS = new Set(["admission.k8s.io/v1", "admission.k8s.io/v1beta1"]);

export interface Reviewed {
  /** The review to send back, always with HTTP status 200. */
  readonly body: Record<string, unknown>;
  /** Why it was refused, in Istio's words (docs/reference/platform.md §3.9); absent when it was not. */
  readonly reason?: "unsupported_operation" | "yaml_decode_error" | "invalid_resource";
}

/**
 * Answers an AdmissionReview: the same validation as everywhere (docs/reference/platform.md §3.8). It has no side effect, so a dry run
 * is the same.
 * @param body the parsed request body
 * @param mixer what there is beside an object of Mixer's; the standard attributes when left out
 * @param systemNamespace that of the control plane (`istio-system`)
 */
export function reviewObject(body: unknown, mixer?: MixerContext, systemNamespace?: string): Reviewed {
  const review = (body ?? {}) as AdmissionReview;
  const version = typeof review.apiVersion === "string" ? review.apiVersion : "admission.k8s.io/v1";
  const answer = (response: Record<string, unknown>): Record<string, unknown> => ({
    apiVersion: version,
    kind: "AdmissionReview",
    response: { ...(typeof review.request?.uid === "string" ? { uid: review.request.uid } : {}), ...response },
  });
  const allowed: Reviewed = { body: answer({ allowed: true }) };
  const deny = (message: string, reason: NonNullable<Reviewed["reason"]>): Reviewed => ({
    body: answer({ allowed: false, status: { status: "Failure", code: 400, reason: "Invalid", message } }),
    reason,
  });
  if (review.kind !== "AdmissionReview" || !REVIEW_VERSIONS.has(version) || !review.request)
    return deny(
      `cannot decode the review: ${[...REVIEW_VERSIONS].join(" or ")} AdmissionReview with a request is expected`,
      "yaml_decode_error",
    );
  const { operation, object, namespace, name, subResource, resource } = review.request;
  // A status is written by controllers, whatever has become of the rules for the object since.
  if (subResource) return allowed;
  if (operation === "DELETE" && resource?.group === "config.istio.io" && !name)
    return deny("cannot decode the review: a deletion without a name", "unsupported_operation");
  if (operation !== "CREATE" && operation !== "UPDATE") return allowed;
  if (object === null || typeof object !== "object" || Array.isArray(object))
    return deny("the request has no object", "yaml_decode_error");
  const result: Validated = validateObject(
    { value: object as Record<string, unknown> },
    {
      ...(typeof namespace === "string" && namespace ? { defaultNamespace: namespace } : {}),
      ...(mixer ? { mixer } : {}),
      ...(systemNamespace ? { systemNamespace } : {}),
    },
  );
  if (result.outcome === "rejected")
    return deny(`configuration is invalid: ${violationsText(result.violations)}`, "invalid_resource");
  const warnings = result.outcome === "accepted" ? result.warnings.map(violationText) : [];
  return warnings.length > 0 ? { body: answer({ allowed: true, warnings }) } : allowed;
}

/**
 * The webhook's paths: Istio 1.1's two and today's one.
 * @param mixer what there is beside an object of Mixer's now; absent: the standard attributes
 * @param systemNamespace that of the control plane
 */
export function admissionRoutes(
  app: FastifyInstance,
  metrics: Metrics,
  { mixer, systemNamespace }: { readonly mixer?: (() => MixerContext) | undefined; readonly systemNamespace: string },
): void {
  const labels = ["group", "version", "resource"] as const;
  const passed = metrics.counter("galley_validation_passed", "Resource is valid", labels);
  const failed = metrics.counter("galley_validation_failed", "Resource validation failed", [...labels, "reason"]);
  const errors = metrics.counter("galley_validation_http_error", "Resource validation http serve errors", ["status"]);
  app.get("/ready", (_request, reply) => reply.type("text/plain").send("ok\n"));
  app.addHook("onResponse", (request, reply, done) => {
    if (request.method === "POST" && reply.statusCode >= 400) errors.inc({ status: String(reply.statusCode) });
    done();
  });
  for (const path of ["/validate", "/admitpilot", "/admitmixer"])
    app.post(path, async (request) => {
      if (request.body === undefined || request.body === null)
        throw new XebecError("invalid_argument", "no body found");
      const { object, resource } = (request.body as AdmissionReview).request ?? {};
      if (object !== null && typeof object === "object") await prepareValidation(object as Record<string, unknown>);
      const { body, reason } = reviewObject(request.body, mixer?.(), systemNamespace);
      const of = Object.fromEntries(labels.map((each) => [each, String(resource?.[each] ?? "")])) as Record<
        (typeof labels)[number],
        string
      >;
      if (reason) failed.inc({ ...of, reason });
      else passed.inc(of);
      return body;
    });
}
