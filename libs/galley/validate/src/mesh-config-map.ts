import { readYaml, YamlError } from "@xebec/core-yaml";
import type { Violation } from "@xebec/model-schema";

const CONFIG_MAP = { name: "istio", key: "mesh", networks: "meshNetworks" } as const;

/** The parts of Istio's config map. */
export interface MeshConfigText {
  readonly mesh: string;
  /** The networks of the mesh; empty when there are none. */
  readonly networks: string;
}

/**
 * Istio keeps its mesh configuration as strings in the config map `istio`, keys `mesh` and `meshNetworks`.
 * @returns undefined for every other object
 */
export function meshConfigText(value: Readonly<Record<string, unknown>>, group: string): MeshConfigText | undefined {
  if (group !== "" || value.kind !== "ConfigMap") return undefined;
  const { metadata, data } = value as { metadata?: { name?: unknown }; data?: Record<string, unknown> };
  if (metadata?.name !== CONFIG_MAP.name) return undefined;
  const [mesh, networks] = [data?.[CONFIG_MAP.key], data?.[CONFIG_MAP.networks]];
  if (typeof mesh !== "string" && typeof networks !== "string") return undefined;
  return { mesh: typeof mesh === "string" ? mesh : "", networks: typeof networks === "string" ? networks : "" };
}

/** The object MeshConfig that such strings stand for, in the namespace of their config map, or what is wrong with their YAML. */
export function meshConfigObject(
  { mesh, networks }: MeshConfigText,
  namespace = "istio-system",
): Record<string, unknown> | Violation {
  const own = readPart(mesh, CONFIG_MAP.key);
  const given = readPart(networks, CONFIG_MAP.networks);
  for (const part of [own, given]) if ("violation" in part) return part.violation;
  const spec = (own as Part).value ?? {};
  const meshNetworks = (given as Part).value;
  const isMap = typeof spec === "object" && !Array.isArray(spec);
  return {
    ...{ apiVersion: "mesh.xebec.io/v1", kind: "MeshConfig", metadata: { name: "mesh", namespace } },
    spec: isMap && meshNetworks !== undefined ? { ...spec, meshNetworks } : spec,
  };
}

type Part = { readonly value: unknown };

function readPart(text: string, key: string): Part | { readonly violation: Violation } {
  try {
    return { value: readYaml(text) ?? undefined };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { violation: { path: ["data", key], message: error.text } };
  }
}
