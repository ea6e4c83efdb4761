import { readFile } from "node:fs/promises";
import { XebecError } from "@xebec/core-errors";
import { readYaml } from "@xebec/core-yaml";
import {
  type InjectContext,
  injectContext,
  parseInjectConfig,
  readValues,
  withDefaults,
} from "@xebec/injector-template";
import type { KubeClient } from "@xebec/platform-kube";

export interface InjectSettingsOptions {
  readonly injectConfigFile?: string;
  readonly valuesFile?: string;
  readonly meshConfigFile?: string;
  readonly injectConfigMapName?: string;
  readonly meshConfigMapName: string;
  readonly revision?: string;
  readonly nativeSidecars?: boolean;
  readonly istioNamespace: string;
}

/**
 * What to inject with: files that are named, else the config maps of the cluster, else what an injector without files has.
 * @param client of the cluster; undefined where none is named
 */
export async function injectSettings(
  options: InjectSettingsOptions,
  client: KubeClient | undefined,
): Promise<InjectContext> {
  const { injectConfigFile, valuesFile, meshConfigFile, revision, nativeSidecars = false } = options;
  const suffix = revision && revision !== "default" ? `-${revision}` : "";
  const named = options.injectConfigMapName ?? `istio-sidecar-injector${suffix}`;
  const injector = injectConfigFile && valuesFile ? {} : await configMap(client, options.istioNamespace, named);
  const mesh = meshConfigFile ? {} : await configMap(client, options.istioNamespace, options.meshConfigMapName);
  const [config = "{}", values, meshText = "{}"] = await Promise.all([
    injectConfigFile ? text(injectConfigFile) : injector.config,
    valuesFile ? text(valuesFile) : injector.values,
    meshConfigFile ? text(meshConfigFile) : mesh.mesh,
  ]);
  const read =
    values === undefined ? withDefaults({}) : readValues(values, valuesFile ?? `config map ${named}, values`);
  return injectContext({
    config: parseInjectConfig(config, { ENABLE_NATIVE_SIDECARS: String(nativeSidecars) }),
    values: revision ? { ...read, revision } : read,
    meshConfig: mapOf(meshText, meshConfigFile ?? `config map ${options.meshConfigMapName}, mesh`),
    nativeSidecars,
  });
}

async function configMap(
  client: KubeClient | undefined,
  namespace: string,
  name: string,
): Promise<Readonly<Record<string, string | undefined>>> {
  if (!client) return {};
  const { RESOURCES } = await import("@xebec/platform-kube");
  const { data } = await client.get<{ data?: Record<string, string> }>(RESOURCES.configMaps, { namespace, name });
  return data ?? {};
}

async function text(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new XebecError("invalid_argument", `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function mapOf(source: string, name: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = readYaml(source) ?? {};
  } catch (error) {
    throw new XebecError("invalid_argument", `${name}: ${(error as Error).message}`);
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new XebecError("invalid_argument", `${name}: must be a map`);
}
