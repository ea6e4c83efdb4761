import { XebecError } from "@xebec/core-errors";
import { readYaml, YamlError } from "@xebec/core-yaml";
import { labelsMatch } from "@xebec/model-names";
import { type ProxyConfigSpec, readProxyConfig } from "@xebec/model-resources";
import { violationText } from "@xebec/model-schema";

/** The annotation with a pod's own ProxyConfig. */
const ANNOTATION = "proxy.istio.io/config";

/** ProxyConfig as JSON: fields that no version of ours knows travel with it. */
export type ProxyConfigFields = Readonly<Record<string, unknown>>;

/** A ProxyConfig of the mesh's configuration. */
export interface ProxyConfigObject {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339; empty where nobody knows. */
  readonly created: string;
  readonly spec: ProxyConfigSpec;
}

/** What the mesh's configuration says of proxies. */
export interface MeshProxyConfigs {
  readonly rootNamespace: string;
  /** `MeshConfig.defaultConfig`. */
  readonly defaultConfig: ProxyConfigFields;
  /** In any order. */
  readonly objects: readonly ProxyConfigObject[];
}

/** A mesh that says nothing. */
export const NO_PROXY_CONFIGS: MeshProxyConfigs = { rootNamespace: "istio-system", defaultConfig: {}, objects: [] };

/**
 * Pilot serves these fields of `defaultConfig` to every proxy that runs. In a pod they would outlive a change of the mesh's
 * configuration.
 */
const SERVED_BY_PILOT: ReadonlySet<string> = new Set([
  ...["tracing", "zipkinAddress", "envoyAccessLogService", "gatewayTopology", "proxyHeaders"],
]);

/** A pod, as far as ProxyConfigs tell pods apart. */
export interface ConfiguredPod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The ProxyConfig that a pod is injected with. Later ones overrule: `defaultConfig`, the object of the root namespace, that of the
 * pod's namespace, the annotation `proxy.istio.io/config`, the object that selects the pod; of several objects the oldest
 * (docs/reference/pilot.md §3.12).
 * @throws XebecError invalid_argument for an annotation that Istio would refuse
 */
export function effectiveProxyConfig(pod: ConfiguredPod, mesh: MeshProxyConfigs): ProxyConfigFields {
  const { rootNamespace, defaultConfig, objects } = mesh;
  const oldest = (namespace: string, matches: (selector: Readonly<Record<string, string>>) => boolean) => {
    const found = objects
      .filter((each) => each.namespace === namespace && matches(each.spec.selector?.matchLabels ?? {}))
      .sort(byAge)[0];
    return found ? fieldsOf(found.spec) : {};
  };
  const isGeneral = (selector: object): boolean => Object.keys(selector).length === 0;
  return [
    Object.fromEntries(Object.entries(defaultConfig).filter(([name]) => !SERVED_BY_PILOT.has(name))),
    oldest(rootNamespace, isGeneral),
    pod.namespace === rootNamespace ? {} : oldest(pod.namespace, isGeneral),
    annotatedProxyConfig(pod.annotations),
    oldest(pod.namespace, (selector) => !isGeneral(selector) && labelsMatch(selector, pod.labels)),
  ].reduce(merged);
}

function byAge(a: ProxyConfigObject, b: ProxyConfigObject): number {
  const [one, other] = [a, b].map((each) => `${each.created} ${each.name}`) as [string, string];
  return one < other ? -1 : 1;
}

/** What an object says, in the words of the mesh's ProxyConfig. */
function fieldsOf({ concurrency, environmentVariables, image }: ProxyConfigSpec): ProxyConfigFields {
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(environmentVariables ? { proxyMetadata: environmentVariables } : {}),
    ...(image ? { image } : {}),
  };
}

/** Messages are joined field by field, lists one behind the other, as protobuf joins them. */
function merged(low: ProxyConfigFields, high: ProxyConfigFields): ProxyConfigFields {
  const result: Record<string, unknown> = { ...low };
  for (const [name, value] of Object.entries(high)) {
    const before = Object.hasOwn(low, name) ? low[name] : undefined;
    if (value === null) continue;
    if (isFields(before) && isFields(value)) result[name] = merged(before, value);
    else if (Array.isArray(before) && Array.isArray(value)) result[name] = [...new Set([...before, ...value])];
    else result[name] = value;
  }
  return result;
}

function isFields(value: unknown): value is ProxyConfigFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws XebecError invalid_argument */
function annotatedProxyConfig(annotations: Readonly<Record<string, string>>): ProxyConfigFields {
  const text = annotations[ANNOTATION];
  if (!text) return {};
  let value: unknown;
  try {
    value = readYaml(text);
  } catch (error) {
    const message = error instanceof YamlError ? error.text : String(error);
    throw new XebecError("invalid_argument", `annotation ${ANNOTATION}: ${message}`);
  }
  if (!isFields(value)) throw new XebecError("invalid_argument", `annotation ${ANNOTATION}: must be a map in YAML`);
  const { config, violations } = readProxyConfig(value, []);
  const [first] = violations;
  if (first) throw new XebecError("invalid_argument", `annotation ${ANNOTATION}: ${violationText(first)}`);
  return { ...value, ...config };
}
