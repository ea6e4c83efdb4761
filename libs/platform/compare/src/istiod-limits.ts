import type { Step } from "./scenario.ts";

/** The groups of objects that istiod reads. */
const GROUPS = ["networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io"];

/** What has to be known of all its figures. */
export const ISTIOD_NOTE =
  "istiod runs from files, without Kubernetes, certificates and Mixer, with one real Envoy, the ingress gateway, in front of one application: " +
  "the others start seven pods and issue their certificates";

/** Why a step cannot be done with istiod. @returns undefined when it can */
export function notWithIstiod({ change, apply, load, fault, upgrade, scale }: Step): string | undefined {
  const foreign = [...(change?.objects ?? []), ...(apply?.objects ?? [])].find((each) => !isIstios(each));
  const what = change ? `a change of ${change.name}` : "what a step applies";
  if (foreign) return `${what}: istiod has no ${String((foreign as { kind?: unknown }).kind)}`;
  if (change?.until?.plaintext || change?.proxies?.type === "listener")
    return `${what}: it needs the listeners of sidecars, which istiod cannot give to pods that share a loopback interface`;
  if (load) return `load "${load.name}": with istiod requests pass one proxy here, with the others two`;
  if (fault) return `${fault.action}: the functions that are watched need sidecars, certificates and Mixer`;
  if (upgrade) return "upgrade: there is no other build of istiod here";
  if (scale) return "scale: copies of istiod find each other by Kubernetes";
  return undefined;
}

function isIstios(object: unknown): boolean {
  const { apiVersion } = object as { apiVersion?: unknown };
  return GROUPS.some((group) => String(apiVersion).startsWith(`${group}/`));
}
