import { logger } from "@xebec/core-log";
import { readYaml } from "@xebec/core-yaml";
import type { DiscoverySelectors } from "@xebec/model-resources";
import type { KubeObject } from "@xebec/platform-kube";

const log = logger("ca");
/** The config map with the mesh configuration, key `mesh`, in the namespace of the control plane. */
export const MESH_CONFIG_MAP = "istio";

/**
 * Reads which namespaces the control plane is for. Galley says what is wrong with a mesh configuration; nothing of it is repeated here.
 * @returns undefined for what cannot be read
 */
export function discoverySelectorsOf({ data }: KubeObject): DiscoverySelectors | undefined {
  const text = (data as Readonly<Record<string, unknown>> | undefined)?.mesh;
  if (typeof text !== "string") return [];
  try {
    const selectors: unknown = (readYaml(text) as { discoverySelectors?: unknown } | null)?.discoverySelectors ?? [];
    if (Array.isArray(selectors) && selectors.every(isSelector)) return selectors;
  } catch (error) {
    log.debug({ err: error }, "the mesh configuration cannot be read");
  }
  log.warn({ configMap: MESH_CONFIG_MAP }, "the discoverySelectors cannot be read; those of before hold");
  return undefined;
}

function isSelector(value: unknown): value is DiscoverySelectors[number] {
  if (!isMap(value)) return false;
  const { matchLabels = {}, matchExpressions = [], ...others } = value;
  return (
    Object.keys(others).length === 0 &&
    isMap(matchLabels) &&
    Object.values(matchLabels).every((each) => typeof each === "string") &&
    Array.isArray(matchExpressions) &&
    matchExpressions.every(isExpression)
  );
}

function isExpression(value: unknown): boolean {
  if (!isMap(value)) return false;
  const { key, operator, values = [] } = value;
  return (
    typeof key === "string" &&
    ["In", "NotIn", "Exists", "DoesNotExist"].includes(operator as string) &&
    Array.isArray(values) &&
    values.every((each) => typeof each === "string")
  );
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
