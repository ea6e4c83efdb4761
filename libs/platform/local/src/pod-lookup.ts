import { XebecError } from "@xebec/core-errors";

/** What names a pod. */
export interface PodNames {
  readonly namespace: string;
  readonly name: string;
  readonly deployment: string;
}

/**
 * Finds the pod that a user means: `POD`, `DEPLOYMENT`, with `NAMESPACE/` before it, or `POD.NAMESPACE` as `proxy-status` writes it.
 * A pod's own name goes before that of a Deployment.
 */
export function findPod<P>(pods: readonly P[], namesOf: (pod: P) => PodNames, text: string): P | undefined {
  const by = (spell: (names: PodNames) => readonly string[]): P | undefined =>
    pods.find((pod) => spell(namesOf(pod)).includes(text));
  return (
    by(({ name, namespace }) => [name, `${namespace}/${name}`, `${name}.${namespace}`]) ??
    by(({ deployment, namespace }) => [deployment, `${namespace}/${deployment}`, `${deployment}.${namespace}`])
  );
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
