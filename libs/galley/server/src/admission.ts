import { XebecError } from "@xebec/core-errors";
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
    readonly object?: unknown;
  };
}

const REVIEW_VERSIONS = new Set(["admission.k8s.io/v1", "admission.k8s.io/v1beta1"]);

/**
 * Answers an AdmissionReview: the same validation as everywhere (docs/reference/platform.md §3.8).
 * @param body the parsed request body
 * @param mixer what there is beside an object of Mixer's; the standard attributes when left out
 * @returns the review to send back, always with HTTP status 200
 */
export function reviewObject(body: unknown, mixer?: MixerContext): Record<string, unknown> {
  const review = (body ?? {}) as AdmissionReview;
  const version = typeof review.apiVersion === "string" ? review.apiVersion : "admission.k8s.io/v1";
  const answer = (response: Record<string, unknown>): Record<string, unknown> => ({
    apiVersion: version,
    kind: "AdmissionReview",
    response: { ...(typeof review.request?.uid === "string" ? { uid: review.request.uid } : {}), ...response },
  });
  const deny = (message: string): Record<string, unknown> =>
    answer({ allowed: false, status: { status: "Failure", code: 400, reason: "Invalid", message } });
  if (review.kind !== "AdmissionReview" || !REVIEW_VERSIONS.has(version) || !review.request)
    return deny(
      `cannot decode the review: ${[...REVIEW_VERSIONS].join(" or ")} AdmissionReview with a request is expected`,
    );
  const { operation, object, namespace } = review.request;
  if (operation !== "CREATE" && operation !== "UPDATE") return answer({ allowed: true });
  if (object === null || typeof object !== "object" || Array.isArray(object)) return deny("the request has no object");
  const result: Validated = validateObject(
    { value: object as Record<string, unknown> },
    {
      ...(typeof namespace === "string" && namespace ? { defaultNamespace: namespace } : {}),
      ...(mixer ? { mixer } : {}),
    },
  );
  if (result.outcome === "rejected") return deny(`configuration is invalid: ${violationsText(result.violations)}`);
  const warnings = result.outcome === "accepted" ? result.warnings.map(violationText) : [];
  return answer({ allowed: true, ...(warnings.length > 0 ? { warnings } : {}) });
}

/**
 * The webhook's paths: Istio 1.1's two and today's one.
 * @param mixer what there is beside an object of Mixer's now; absent: the standard attributes
 */
export function admissionRoutes(app: FastifyInstance, mixer?: () => MixerContext): void {
  app.get("/ready", (_request, reply) => reply.type("text/plain").send("ok\n"));
  for (const path of ["/validate", "/admitpilot", "/admitmixer"])
    app.post(path, async (request) => {
      if (request.body === undefined || request.body === null)
        throw new XebecError("invalid_argument", "no body found");
      const { object } = (request.body as AdmissionReview).request ?? {};
      if (object !== null && typeof object === "object") await prepareValidation(object as Record<string, unknown>);
      return reviewObject(request.body, mixer?.());
    });
}
