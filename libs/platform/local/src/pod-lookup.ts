import { XebecError } from "@xebec/core-errors";

/** What names a pod. */
export interface PodNames {
  readonly namespace: string;
  readonly name: string;
  readonly deployment: string;
}

/** kubectl's names of what a pod is named by: `pod/web-1`, `deploy/web`. */
const POD = /^(?:pods?|po)\//;
const DEPLOYMENT = /^(?:deploy|deployments?)(?:\.apps)?\//;

/**
 * Finds the pod that a user means: `POD`, `DEPLOYMENT`, with `NAMESPACE/` before it, or `POD.NAMESPACE` as `proxy-status` writes it; and with
 * kubectl's words before it, `pod/` and `deploy/`. A pod's own name goes before that of a Deployment.
 */
export function findPod<P>(pods: readonly P[], namesOf: (pod: P) => PodNames, text: string): P | undefined {
  const by = (meant: string, nameOf: (names: PodNames) => string): P | undefined =>
    pods.find((pod) => {
      const names = namesOf(pod);
      const [name, { namespace }] = [nameOf(names), names];
      return [name, `${namespace}/${name}`, `${name}.${namespace}`].includes(meant);
    });
  return (
    by(text, ({ name }) => name) ??
    by(text, ({ deployment }) => deployment) ??
    (POD.test(text) ? by(text.replace(POD, ""), ({ name }) => name) : undefined) ??
    (DEPLOYMENT.test(text) ? by(text.replace(DEPLOYMENT, ""), ({ deployment }) => deployment) : undefined)
  );
}

/** A pod as {@link findPod} takes it, in the namespace that the flag `-n` names unless the pod's own name says one. */
export function podIn<T extends string | undefined>(pod: T, namespace: string | undefined): T | string {
  const name = pod?.replace(POD, "").replace(DEPLOYMENT, "");
  return pod === undefined || namespace === undefined || /[./]/.test(name ?? "") ? pod : `${pod}.${namespace}`;
}

/**
 * Chooses a container: the one of this name, else the first that is not the proxy.
 * @throws XebecError not_found that lists what there is
 */
export function chooseContainer(pod: string, names: readonly string[], requested: string | undefined): string {
  const chosen = requested ?? names.find((each) => each !== "istio-proxy") ?? names[0];
  if (chosen !== undefined && names.includes(chosen)) return chosen;
  throw new XebecError(
    "not_found",
    chosen === undefined
      ? `${pod} has no container that runs yet; "xebec status" says why`
      : `${pod} has no container "${chosen}"; it has ${names.join(", ") || "none that runs yet"}`,
  );
}
