import { XebecError } from "@xebec/core-errors";
import type { ConfigData, ContainerSpec, EnvVar } from "./manifest-objects.ts";

/** What a pod's environment and volumes may refer to. */
export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ip: string;
  readonly node: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Finds a ConfigMap or Secret of the pod's namespace. */
  data(kind: "ConfigMap" | "Secret", name: string): ConfigData | undefined;
}

/** The value of a downward-API field. @throws XebecError invalid_argument for a field that there is none of */
export function fieldValue(path: string, facts: PodFacts): string {
  const indexed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (indexed) return facts[indexed[1] as "labels" | "annotations"][indexed[2] as string] ?? "";
  const lines = (map: Readonly<Record<string, string>>): string =>
    Object.entries(map)
      .sort()
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join("\n");
  switch (path) {
    case "metadata.name":
      return facts.name;
    case "metadata.namespace":
      return facts.namespace;
    case "metadata.uid":
      return facts.uid;
    case "metadata.labels":
      return lines(facts.labels);
    case "metadata.annotations":
      return lines(facts.annotations);
    case "spec.serviceAccountName":
      return facts.serviceAccount;
    case "spec.nodeName":
      return facts.node;
    case "status.podIP":
    case "status.podIPs":
      return facts.ip;
    case "status.hostIP":
      return "127.0.0.1";
    default:
      throw new XebecError("invalid_argument", `fieldPath ${path} is not known here`);
  }
}

/**
 * A container's environment as Kubernetes makes it: later entries win, `$(NAME)` is expanded from those before.
 * @throws XebecError when a reference leads nowhere
 */
export function containerEnvironment(container: ContainerSpec, facts: PodFacts): Record<string, string> {
  const env: Record<string, string> = {};
  for (const each of container.env ?? []) {
    const value = envValue(each, facts);
    if (value !== undefined) env[each.name] = expand(value, env);
  }
  return env;
}

function envValue(each: EnvVar, facts: PodFacts): string | undefined {
  if (each.value !== undefined) return String(each.value);
  const from = each.valueFrom;
  if (from?.fieldRef) return fieldValue(from.fieldRef.fieldPath, facts);
  for (const [kind, ref] of [
    ["ConfigMap", from?.configMapKeyRef],
    ["Secret", from?.secretKeyRef],
  ] as const) {
    if (!ref) continue;
    const value = facts.data(kind, ref.name)?.data[ref.key];
    if (value === undefined && !ref.optional)
      throw new XebecError("not_found", `env ${each.name}: ${kind} ${ref.name} has no key ${ref.key}`);
    return value;
  }
  return from?.resourceFieldRef ? "0" : "";
}

/** Expands `$(NAME)`; `$$` stands for one dollar sign, an unknown name stays as it is. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([\w.-]+)\)/g, (whole, name?: string) =>
    name === undefined ? "$" : (env[name] ?? whole),
  );
}
