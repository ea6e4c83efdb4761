import { type Functions, Markup, SPRIG, TemplateError, textOf } from "@xebec/core-go-template";
import { readYaml } from "@xebec/core-yaml";
import { at, type Fields, fieldsOf, isFields } from "./fields.ts";
import { PROXY } from "./pod.ts";
import { PROXY_CONFIG_DEFAULTS } from "./proxy-config-defaults.ts";

/**
 * The functions of Istio's injection templates (docs/reference/platform.md §4.2), beside Go's and Sprig's.
 * @param environment what `env` sees: the variables of the injector that templates may read
 */
export function templateFunctions(environment: Readonly<Record<string, string | undefined>> = {}): Functions {
  return { ...SPRIG, ...ISTIO, env: (name, other) => environment[textOf(name)] || textOf(other) };
}

const toJson = SPRIG.toJson as (value: unknown) => Markup;

const ISTIO: Functions = {
  annotation: (meta, name, other) => annotationOf(meta, textOf(name)) ?? textOf(other),
  isset: (map, key) => isFields(map) && Object.hasOwn(map, textOf(key)),
  valueOrDefault: (value, other) => (value === undefined || value === null || value === "" ? other : value),
  contains: (part, text) => textOf(text).includes(textOf(part)),
  toLower: (text) => textOf(text).toLowerCase(),
  directory: (path) => textOf(path).replace(/[^/]*$/, ""),
  // Sprig's indents the first line as well; in Istio's templates it stands behind the indentation already.
  indent: (spaces, text) => {
    const indented = textOf(text).replaceAll("\n", `\n${" ".repeat(Math.min(Math.max(Number(spaces), 0), 1_000))}`);
    return text instanceof Markup ? new Markup(indented) : indented;
  },
  toJSON: (value) => toJson(value ?? {}),
  toJson: (value) => toJson(value ?? {}),
  structToJSON: (value) => toJson(value ?? {}),
  protoToJSON: (value) => toJson(withoutDefaults(fieldsOf(value))),
  fromJSON: (text) => fromJson(textOf(text)),
  toJsonMap: (...maps) => toJson(mergedMaps(maps)),
  mergeMaps: (...maps) => mergedMaps(maps),
  strdict: (...pairs) =>
    Object.fromEntries(
      Array.from({ length: pairs.length / 2 }, (_, index) => [textOf(pairs[2 * index]), textOf(pairs[2 * index + 1])]),
    ),
  formatDuration: (value) => textOf(value),
  kubevirtInterfaces: (value) => textOf(value),
  excludeInterfaces: (value) => textOf(value),
  excludeInboundPort: (port, excluded) => excludeInboundPort(textOf(port).trim(), textOf(excluded)),
  includeInboundPorts: (containers) => portsOf(containers, () => true),
  applicationPorts: (containers) => portsOf(containers, (name) => name !== PROXY),
  appendMultusNetwork: (networks, network) => appendNetwork(textOf(networks), textOf(network)),
};

function annotationOf(meta: unknown, name: string): string | undefined {
  const value = at(meta, "annotations", name);
  return typeof value === "string" ? value : undefined;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    try {
      return readYaml(text);
    } catch {
      throw new TemplateError(`"${text.slice(0, 80)}" is not JSON: ${(error as Error).message}`);
    }
  }
}

function mergedMaps(maps: readonly unknown[]): Fields {
  return Object.assign({}, ...maps.filter(isFields)) as Fields;
}

/** What the agent assumes anyway is left out: the pod stays small. */
function withoutDefaults(config: Fields): Fields {
  return Object.fromEntries(
    Object.entries(config).filter(
      ([key, value]) =>
        value !== undefined &&
        PROXY_CONFIG_DEFAULTS[key] !== value &&
        !(isFields(value) && Object.keys(value).length === 0) &&
        !(Array.isArray(value) && value.length === 0),
    ),
  );
}

function excludeInboundPort(port: string, excluded: string): string {
  if (port === "" || port === "0") return excluded;
  const ports = excluded.split(",").map((each) => each.trim());
  return ports.includes(port) ? excluded : [...ports.filter(Boolean), port].join(",");
}

function portsOf(containers: unknown, wanted: (name: unknown) => boolean): string {
  if (!Array.isArray(containers)) return "";
  return containers
    .filter((each) => wanted(at(each, "name")))
    .flatMap((each) => at(each, "ports") ?? [])
    .filter((each) => at(each, "protocol") !== "UDP" && at(each, "protocol") !== "SCTP")
    .map((each) => textOf(at(each, "containerPort")))
    .join(",");
}

function appendNetwork(networks: string, network: string): string {
  if (networks === "") return network;
  if (!networks.includes("]"))
    return networks.split(",").some((each) => each.trim() === network) ? networks : `${networks}, ${network}`;
  const list = fromJson(networks);
  if (!Array.isArray(list)) throw new TemplateError("k8s.v1.cni.cncf.io/networks is not a list in JSON");
  return list.some((each) => at(each, "name") === network) ? networks : JSON.stringify([...list, { name: network }]);
}
