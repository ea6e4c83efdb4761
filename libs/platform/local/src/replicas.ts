import { XebecError } from "@xebec/core-errors";
import { SERVICES, type ServiceName } from "./address-plan.ts";

/** What runs as a process of its own: a service, or all of them. */
export type Component = ServiceName | "istiod";

/** How many copies of a component run; one where nothing is said. */
export type ReplicaCounts = Readonly<Partial<Record<Component, number>>>;

/** Components of which several copies can work on one machine. Galley and citadel own files, and the supervisor asks one injector. */
export const REPLICABLE: readonly Component[] = ["pilot", "mixer-policy", "mixer-telemetry", "istiod"];
export const MAX_REPLICAS = 8;

/**
 * Reads `COMPONENT=NUMBER`.
 * @throws XebecError invalid_argument that names what can be had
 */
export function parseReplicas(texts: readonly string[]): ReplicaCounts {
  const counts: Partial<Record<Component, number>> = {};
  for (const text of texts) {
    const [, name = "", digits = ""] = /^([a-z-]+)=(\d{1,3})$/.exec(text) ?? [];
    const component = REPLICABLE.find((each) => each === name);
    if (!component)
      throw new XebecError(
        "invalid_argument",
        `replicas: "${text}" is not COMPONENT=NUMBER with one of ${REPLICABLE.join(", ")}`,
      );
    const count = Number(digits);
    if (count < 1 || count > MAX_REPLICAS)
      throw new XebecError("invalid_argument", `replicas: "${text}": from 1 to ${MAX_REPLICAS} copies run here`);
    counts[component] = count;
  }
  return counts;
}

/** The name of a copy's process: that of its component, and from the second one on its number. */
export function replicaName(component: Component, replica: number): string {
  return replica === 1 ? component : `${component}-${replica}`;
}

/** Which copy of which component has a name. @returns undefined for the name of something else */
export function replicaOf(name: string): { readonly component: Component; readonly replica: number } | undefined {
  const [, first, number] = /^(.*?)(?:-(\d+))?$/.exec(name) ?? [];
  const component = [...SERVICES, "istiod" as const].find((each) => each === first);
  return component && { component, replica: Number(number ?? 1) };
}

/** The copies of a component, counted from 1. */
export function replicasOf(counts: ReplicaCounts, component: Component): number[] {
  return Array.from({ length: counts[component] ?? 1 }, (_, i) => i + 1);
}
