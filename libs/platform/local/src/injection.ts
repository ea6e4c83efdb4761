import { XebecError } from "@xebec/core-errors";
import { httpCall } from "@xebec/platform-http/call";
import jsonPatch, { type Operation } from "fast-json-patch";
import type { PodTemplate } from "./manifest-objects.ts";

export interface InjectorAddress {
  readonly host: string;
  readonly port: number;
  /** The name in its certificate. */
  readonly serverName: string;
  /** The mesh's root certificate, PEM. */
  readonly ca: () => string | undefined;
}

export interface AdmittedPod extends PodTemplate {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
    readonly ownerReferences: readonly { readonly kind: string; readonly name: string; readonly controller: boolean }[];
  };
}

const TIMEOUT_MS = 5_000;
const MAX_ANSWER = 4 << 20;

/** Which pods the API server would send to the webhook (its namespaceSelector and objectSelector). */
export function wantsInjection(
  namespaceLabels: Readonly<Record<string, string>>,
  podLabels: Readonly<Record<string, string>>,
): boolean {
  if (podLabels["sidecar.istio.io/inject"] === "false") return false;
  return namespaceLabels["istio-injection"] === "enabled" || podLabels["sidecar.istio.io/inject"] === "true";
}

/**
 * Sends a pod through the sidecar injector as an API server would, and applies the patch.
 * @throws XebecError unavailable while the webhook cannot be reached, failed_precondition when it refuses the pod
 */
export async function injectPod(pod: AdmittedPod, injector: InjectorAddress): Promise<AdmittedPod> {
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: `${pod.metadata.namespace}/${pod.metadata.name}`,
      kind: { group: "", version: "v1", kind: "Pod" },
      operation: "CREATE",
      namespace: pod.metadata.namespace,
      object: { apiVersion: "v1", kind: "Pod", ...pod },
    },
  };
  const answer = (await post(injector, "/inject", review)) as {
    response?: { allowed?: boolean; patch?: string; status?: { message?: string } };
  };
  const response = answer.response;
  if (!response?.allowed)
    throw new XebecError(
      "failed_precondition",
      `the sidecar injector refuses the pod: ${response?.status?.message ?? "no reason given"}`,
    );
  if (!response.patch) return pod;
  const patch = JSON.parse(Buffer.from(response.patch, "base64").toString("utf8")) as Operation[];
  return jsonPatch.applyPatch(structuredClone(pod), patch, true).newDocument;
}

/** @returns what the webhook says */
async function post(injector: InjectorAddress, path: string, body: unknown): Promise<unknown> {
  const ca = injector.ca();
  if (!ca) throw new XebecError("unavailable", "the mesh's root certificate is not there yet");
  const { host, port, serverName: servername } = injector;
  const failed = (why: string, cause?: unknown): XebecError =>
    new XebecError("unavailable", `the sidecar injector at ${host}:${port} ${why}`, { cause });
  const answer = await httpCall({ host, port }, path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    tls: { ca, servername },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER,
  }).catch((error: Error) => {
    throw failed(`cannot be reached: ${(error.cause as Error).message}`, error.cause);
  });
  if (answer.status !== 200) throw failed(`answers ${answer.status}`);
  try {
    return JSON.parse(answer.body);
  } catch (error) {
    throw failed("answers something that is not JSON", error);
  }
}
