import { KINDS } from "@xebec/model-resources";
import type { Applied, KubeObject } from "@xebec/platform-kube";

/** Istio 1.1's names of the two webhooks. */
export const PILOT_WEBHOOK = "pilot.validation.istio.io";
export const MIXER_WEBHOOK = "mixer.validation.istio.io";
const MIXER_GROUP = "config.istio.io";
/** Less than the API server's own 30 s: whoever applies an object waits for it. */
const TIMEOUT_SECONDS = 10;

/** Where API servers reach galley. */
export type WebhookPlace =
  | { readonly url: string }
  | { readonly service: { readonly name: string; readonly namespace: string } };

export interface ConfigurationOptions {
  readonly name: string;
  readonly place: WebhookPlace;
  /** Labels of the configuration. */
  readonly labels?: Readonly<Record<string, string>>;
  /** With it goes the configuration. It has no namespace, since the configuration has none. */
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string };
}

/**
 * The configuration of galley's webhooks (docs/reference/platform.md §3.8), without the `caBundle`. Subresources are not asked about,
 * so that a status is written whatever the object says.
 * @param failurePolicy `Ignore` until an API server was seen to ask the webhook
 */
export function validatingConfiguration(
  { name, place, labels = {}, owner }: ConfigurationOptions,
  failurePolicy: "Ignore" | "Fail",
): Applied {
  const groups = [...new Set(KINDS.map(({ group }) => group))].filter((group) => group.endsWith("istio.io"));
  const webhook = (webhookName: string, path: string, apiGroups: readonly string[]) => ({
    name: webhookName,
    clientConfig: "url" in place ? { url: `${place.url}${path}` } : { service: { ...place.service, path, port: 443 } },
    rules: [
      {
        ...{ apiGroups, apiVersions: ["*"], resources: ["*"], operations: ["CREATE", "UPDATE"], scope: "*" },
      },
    ],
    failurePolicy,
    sideEffects: "None",
    admissionReviewVersions: ["v1", "v1beta1"],
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return {
    metadata: { name, labels: { app: "galley", ...labels }, ...(owner ? { ownerReferences: [owner] } : {}) },
    webhooks: [
      webhook(PILOT_WEBHOOK, "/admitpilot", groups.filter((group) => group !== MIXER_GROUP).sort()),
      webhook(MIXER_WEBHOOK, "/admitmixer", [MIXER_GROUP]),
    ],
  };
}

/** Whether a configuration has been seen to work: then it stays strict, whatever happens to galley. */
export function isStrict(present: KubeObject | undefined): boolean {
  const webhooks = present?.webhooks;
  return (
    Array.isArray(webhooks) && webhooks.length > 0 && webhooks.every(({ failurePolicy }) => failurePolicy === "Fail")
  );
}

/** Whether an object says all that is wanted of it; what it says besides does not matter. */
export function says(present: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(present)) return false;
    if (wanted.every(isNamed))
      return wanted.every((each) =>
        says(
          present.find((other) => isNamed(other) && other.name === each.name),
          each,
        ),
      );
    return present.length === wanted.length && wanted.every((each, index) => says(present[index], each));
  }
  if (wanted === null || typeof wanted !== "object") return present === wanted;
  if (present === null || typeof present !== "object") return false;
  return Object.entries(wanted).every(([key, each]) => says((present as Record<string, unknown>)[key], each));
}

function isNamed(value: unknown): value is { readonly name: string } {
  return value !== null && typeof value === "object" && typeof (value as { name?: unknown }).name === "string";
}
