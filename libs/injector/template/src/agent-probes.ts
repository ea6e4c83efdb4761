import { XebecError } from "@xebec/core-errors";
import { rewriteProbes } from "./app-probes.ts";
import type { ProxyConfigFields } from "./effective-proxy-config.ts";
import { type Named, PROXY } from "./pod.ts";
import type { InjectValues } from "./values.ts";

/** Whether kubelet's probes of the app go through the agent. */
const REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers";
const PROBERS = "ISTIO_KUBE_APP_PROBERS";

type EnvVar = { readonly name: string; readonly value?: string };

/**
 * The containers of a pod, with the app's probes led through the agent where a pod or the installation asks for that.
 * @param before the containers of the pod as it came
 */
export function probedByAgent(
  apps: readonly Named[],
  own: readonly Named[],
  before: readonly Named[],
  annotations: Readonly<Record<string, string>>,
  values: InjectValues,
  proxyConfig: ProxyConfigFields,
): readonly Named[] {
  const statusPort = Number(annotations["status.sidecar.istio.io/port"] ?? proxyConfig.statusPort ?? 15_020);
  const isOn = (annotations[REWRITE] ?? values.rewriteAppHTTPProbe) === "true" && statusPort > 0;
  if (!isOn) return [...apps, ...own];
  const { containers, probers } = rewriteProbes(apps, statusPort);
  // An earlier injection has changed the probes already: what they were stands in its proxy only.
  const earlier = before.find(({ name }) => name === PROXY) as { env?: readonly EnvVar[] } | undefined;
  const all = { ...readProbers(earlier?.env?.find(({ name }) => name === PROBERS)?.value), ...probers };
  if (Object.keys(all).length === 0) return [...apps, ...own];
  const value: EnvVar = { name: PROBERS, value: JSON.stringify(all) };
  return [
    ...containers,
    ...own.map((each) => {
      if (each.name !== PROXY) return each;
      const { env = [] } = each as { env?: readonly EnvVar[] };
      return { ...each, env: [...env.filter(({ name }) => name !== PROBERS), value] };
    }),
  ];
}

/** @throws XebecError invalid_argument */
function readProbers(text: string | undefined): Record<string, unknown> {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The error below is for this, too.
  }
  throw new XebecError("invalid_argument", `${PROBERS} of the container ${PROXY} is not a map in JSON; remove it`);
}
