import { readYaml, YamlError } from "@xebec/core-yaml";
import type { Violation } from "@xebec/model-schema";

const CONFIG_MAP = { name: "istio", key: "mesh" } as const;

/** Istio keeps its mesh configuration as a string in the config map `istio`, key `mesh`. @returns it, or undefined */
export function meshConfigText(value: Readonly<Record<string, unknown>>, group: string): string | undefined {
  if (group !== "" || value.kind !== "ConfigMap") return undefined;
  const { metadata, data } = value as { metadata?: { name?: unknown }; data?: Record<string, unknown> };
  const text = metadata?.name === CONFIG_MAP.name ? data?.[CONFIG_MAP.key] : undefined;
  return typeof text === "string" ? text : undefined;
}

/** The object MeshConfig that such a string stands for, in the namespace of its config map, or what is wrong with its YAML. */
export function meshConfigObject(text: string, namespace = "istio-system"): Record<string, unknown> | Violation {
  try {
    const spec: unknown = readYaml(text) ?? {};
    return { apiVersion: "mesh.xebec.io/v1", kind: "MeshConfig", metadata: { name: "mesh", namespace }, spec };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { path: ["data", CONFIG_MAP.key], message: error.text };
  }
}
