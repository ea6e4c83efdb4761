import { type Container, INIT, PROXY, VALIDATION } from "./pod.ts";

const CORE_DUMP = "enable-core-dump";

/** Kubelet starts a container when the one before it has ended its hook: an app that waits for its proxy stands behind it. */
export function orderedContainers(containers: readonly Container[], holds: boolean): readonly Container[] {
  return holds ? first(containers, [PROXY]) : last(containers, [PROXY]);
}

/**
 * Containers before the app, in Istio's order (docs/reference/platform.md §4.5): those of the app need a proxy where it is a native
 * sidecar, and would find none behind captured traffic where it is not.
 */
export function orderedInitContainers(containers: readonly Container[]): readonly Container[] {
  if (containers.some(({ name }) => name === PROXY)) return first(containers, [INIT, VALIDATION, PROXY, CORE_DUMP]);
  return last(first(containers, [VALIDATION]), [INIT, CORE_DUMP]);
}

function first(containers: readonly Container[], names: readonly string[]): readonly Container[] {
  return [...chosen(containers, names), ...containers.filter(({ name }) => !names.includes(name))];
}

function last(containers: readonly Container[], names: readonly string[]): readonly Container[] {
  return [...containers.filter(({ name }) => !names.includes(name)), ...chosen(containers, names)];
}

function chosen(containers: readonly Container[], names: readonly string[]): readonly Container[] {
  return names.flatMap((wanted) => containers.filter(({ name }) => name === wanted));
}
