import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { decide, type InjectContext, injectionPatch, injectionWarnings, type Pod } from "@xebec/injector-template";

const log = logger("inject");
const REVIEW_VERSIONS: ReadonlySet<unknown> = new Set(["admission.k8s.io/v1", "admission.k8s.io/v1beta1"]);

interface AdmissionReview {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly request?: {
    readonly uid?: unknown;
    readonly namespace?: unknown;
    readonly operation?: unknown;
    readonly subResource?: unknown;
    readonly kind?: { readonly kind?: unknown };
    readonly object?: unknown;
  };
}

export interface Reviewed {
  /** The review to send back, always with HTTP status 200. */
  readonly body: unknown;
  readonly outcome: "injected" | "skipped" | "failed";
}

/**
 * Answers one AdmissionReview (admission.k8s.io/v1 or v1beta1) with the patch of its pod. It has no side effect, so a dry run is the
 * same.
 * @param body the parsed request body
 * @param environment variables of the proxy that the webhook's path sets
 */
export function reviewPod(
  body: unknown,
  context: InjectContext,
  environment: Readonly<Record<string, string>> = {},
): Reviewed {
  const review = (body ?? {}) as AdmissionReview;
  const { request } = review;
  const version = REVIEW_VERSIONS.has(review.apiVersion) ? review.apiVersion : "admission.k8s.io/v1";
  const answer = (response: Record<string, unknown>, outcome: Reviewed["outcome"]): Reviewed => ({
    body: {
      apiVersion: version,
      kind: "AdmissionReview",
      response: {
        ...(typeof request?.uid === "string" ? { uid: request.uid } : {}),
        allowed: outcome !== "failed",
        ...response,
      },
    },
    outcome,
  });
  const deny = (message: string): Reviewed => answer({ status: { status: "Failure", code: 400, message } }, "failed");
  const pod = request?.object as Pod | undefined;
  const kind = request?.kind?.kind ?? "Pod";
  if (review.kind !== "AdmissionReview" || pod === null || typeof pod !== "object" || kind !== "Pod")
    return deny("cannot decode the review: an AdmissionReview of a Pod is expected");
  // Pods get their sidecar when they are made; a pod that is there has its containers.
  if ((request?.operation ?? "CREATE") !== "CREATE" || request?.subResource) return answer({}, "skipped");
  const namespace =
    typeof request?.namespace === "string" && request.namespace
      ? request.namespace
      : (pod.metadata?.namespace ?? "default");
  const name = `${namespace}/${pod.metadata?.name ?? pod.metadata?.generateName ?? "(unnamed)"}`;
  try {
    const decision = decide(pod, namespace, context.config);
    if (!decision.inject) {
      log.info({ pod: name, reason: decision.reason }, "not injected");
      return answer(decision.warning ? { warnings: [decision.warning] } : {}, "skipped");
    }
    const patch = injectionPatch({ pod, namespace, environment }, context);
    const warnings = [...(decision.warning ? [decision.warning] : []), ...injectionWarnings(pod)];
    log.debug({ pod: name, reason: decision.reason }, "injected");
    return answer(
      {
        patchType: "JSONPatch",
        patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
        ...(warnings.length > 0 ? { warnings } : {}),
      },
      "injected",
    );
  } catch (error) {
    // A pod may hold anything in any place: whatever fails is a denial with a reason, never an error of the server.
    log.warn({ pod: name, err: error }, "injection failed");
    return deny(`injection failed: ${XebecError.from(error).message}`);
  }
}
