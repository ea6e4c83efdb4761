import { XebecError } from "@xebec/core-errors";
import { rewriteProbes } from "./app-probes.ts";
import { isFields } from "./fields.ts";
import { type Container, type EnvVar, PROXY } from "./pod.ts";

/** Whether kubelet's probes of the app go through the agent. */
const REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers";
const PROBERS = "ISTIO_KUBE_APP_PROBERS";

/** Whether probes are to be led through the agent. @param statusPort 0: there is no port to ask */
export function wantsRewrite(
  annotations: Readonly<Record<string, string>>,
  isDefault: boolean,
  statusPort: number,
): boolean {
  const said = annotations[REWRITE];
  return statusPort > 0 && (said === undefined ? isDefault : said === "true");
}

/**
 * The containers of the app with their probes led through the agent, and what the agent has to ask.
 * @param earlier the proxy of an earlier injection, which has changed the probes already: what they were stands there only
 */
export function probedByAgent(
  apps: readonly Container[],
  earlier: Container | undefined,
  statusPort: number,
): { readonly apps: readonly Container[]; readonly probers?: EnvVar } {
  const { containers, probers } = rewriteProbes(apps, statusPort);
  const all = { ...readProbers(earlier?.env?.find(({ name }) => name === PROBERS)?.value), ...probers };
  if (Object.keys(all).length === 0) return { apps };
  return { apps: containers, probers: { name: PROBERS, value: JSON.stringify(all) } };
}

/** @throws XebecError invalid_argument */
function readProbers(text: string | undefined): Record<string, unknown> {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return value;
  } catch {
    // The error below is for this, too.
  }
  throw new XebecError("invalid_argument", `${PROBERS} of the container ${PROXY} is not a map in JSON; remove it`);
}
