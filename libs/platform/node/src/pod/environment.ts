import { XebecError } from "@xebec/core-errors";
import type { Container, EnvVar, Service } from "../api/types.ts";
import { expand } from "./expand.ts";
import { fieldValue, type PodFacts, resourceValue } from "./fields.ts";

/** Where ConfigMaps and Secrets are found. */
export interface DataSource {
  /** The texts of a ConfigMap or Secret of the pod's namespace; undefined when there is none. */
  texts(kind: "ConfigMap" | "Secret", name: string): Readonly<Record<string, string>> | undefined;
}

/**
 * A container's environment as kubelet makes it: Services, then `envFrom`, then `env`, whose later entries win and may refer to
 * earlier ones by `$(NAME)`.
 * @throws XebecError failed_precondition when a reference leads nowhere: CreateContainerConfigError
 */
export function containerEnvironment(
  container: Container,
  facts: PodFacts,
  data: DataSource,
  services: readonly Service[],
): Record<string, string> {
  const env: Record<string, string> = {};
  if (facts.pod.spec.enableServiceLinks !== false) for (const each of services) Object.assign(env, serviceLinks(each));
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? [])
    for (const [kind, ref] of [
      ["ConfigMap", configMapRef],
      ["Secret", secretRef],
    ] as const) {
      if (!ref?.name) continue;
      const texts = data.texts(kind, ref.name);
      if (!texts && !ref.optional) throw missing(`${kind.toLowerCase()} "${ref.name}" not found`);
      for (const [key, value] of Object.entries(texts ?? {})) env[`${prefix}${key}`] = value;
    }
  for (const each of container.env ?? []) {
    const value = envValue(each, container, facts, data, env);
    if (value !== undefined) env[each.name] = value;
  }
  return env;
}

function envValue(
  { name, value, valueFrom }: EnvVar,
  container: Container,
  facts: PodFacts,
  data: DataSource,
  env: Readonly<Record<string, string>>,
): string | undefined {
  if (!valueFrom) return expand(value ?? "", env);
  if (valueFrom.fieldRef) return fieldValue(valueFrom.fieldRef, facts);
  if (valueFrom.resourceFieldRef) {
    const { containerName } = valueFrom.resourceFieldRef;
    const { initContainers = [], containers } = facts.pod.spec;
    const other = [...containers, ...initContainers].find((each) => each.name === containerName);
    return resourceValue(valueFrom.resourceFieldRef, other ?? container, facts);
  }
  for (const [kind, ref] of [
    ["ConfigMap", valueFrom.configMapKeyRef],
    ["Secret", valueFrom.secretKeyRef],
  ] as const) {
    if (!ref) continue;
    const texts = data.texts(kind, ref.name ?? "");
    const found = texts?.[ref.key];
    if (found !== undefined || ref.optional) return found;
    throw missing(
      texts
        ? `couldn't find key ${ref.key} in ${kind} ${facts.pod.metadata.namespace}/${ref.name} (env ${name})`
        : `${kind.toLowerCase()} "${ref.name}" not found`,
    );
  }
  return "";
}

function serviceLinks({ metadata, spec }: Service): Record<string, string> {
  const [first] = spec.ports ?? [];
  if (!first || !spec.clusterIP || spec.clusterIP === "None") return {};
  const name = metadata.name.toUpperCase().replaceAll(/[-.]/g, "_");
  const env: Record<string, string> = {
    [`${name}_SERVICE_HOST`]: spec.clusterIP,
    [`${name}_SERVICE_PORT`]: String(first.port),
    [`${name}_PORT`]: `${(first.protocol ?? "TCP").toLowerCase()}://${spec.clusterIP}:${first.port}`,
  };
  for (const { name: port, port: number, protocol = "TCP" } of spec.ports ?? []) {
    if (port) env[`${name}_SERVICE_PORT_${port.toUpperCase().replaceAll("-", "_")}`] = String(number);
    const prefix = `${name}_PORT_${number}_${protocol}`;
    Object.assign(env, {
      [prefix]: `${protocol.toLowerCase()}://${spec.clusterIP}:${number}`,
      [`${prefix}_PROTO`]: protocol.toLowerCase(),
      [`${prefix}_PORT`]: String(number),
      [`${prefix}_ADDR`]: spec.clusterIP,
    });
  }
  return env;
}

function missing(text: string): XebecError {
  return new XebecError("failed_precondition", text);
}
