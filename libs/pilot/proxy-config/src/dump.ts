import { XebecError } from "@xebec/core-errors";

/** A value of Envoy's JSON: field names as in the proto files, in snake_case. */
export type Json = { readonly [field: string]: unknown };

/** The resources of an Envoy's `/config_dump?include_eds`, by type, static ones included. */
export interface ConfigDump {
  /** The messages of the dump as they are, by name: `SecretsConfigDump`. */
  readonly sections: ReadonlyMap<string, Json>;
  readonly bootstrap: Json | undefined;
  readonly clusters: readonly Json[];
  readonly listeners: readonly Json[];
  readonly routes: readonly Json[];
  readonly endpoints: readonly Json[];
  /** Extension configurations of HTTP and network filters. */
  readonly extensions: readonly Json[];
  readonly secrets: readonly DumpedSecret[];
}

/** A secret, and whether Envoy uses it or waits for it. */
export interface DumpedSecret {
  readonly name: string;
  readonly status: "ACTIVE" | "WARMING";
  readonly secret: Json | undefined;
}

/**
 * Reads a configuration dump, of Envoy's admin interface or of pilot's `/debug/config_dump`.
 * @param text JSON
 * @param which `dynamic` leaves out what comes from the bootstrap, and routes that are part of a listener
 * @throws XebecError invalid_argument when it is not a configuration dump
 */
export function readConfigDump(text: string, which: "all" | "dynamic" = "all"): ConfigDump {
  let configs: unknown;
  try {
    configs = (JSON.parse(text) as { configs?: unknown } | null)?.configs;
  } catch (cause) {
    throw new XebecError("invalid_argument", "the configuration dump is not JSON", { cause });
  }
  if (!Array.isArray(configs))
    throw new XebecError(
      "invalid_argument",
      'the file is not a configuration dump of Envoy: it has no list "configs"; take the output of /config_dump?include_eds',
    );
  return configDumpOf(configs as Json[], which);
}

/** The resources of a dump's messages; of `which` {@link readConfigDump} says what it means. */
export function configDumpOf(configs: readonly Json[], which: "all" | "dynamic" = "all"): ConfigDump {
  const sections = new Map<string, Json>();
  for (const each of configs) {
    const type = String(each["@type"] ?? "");
    // Envoy lists network filters in a second message of the same type.
    const key = type.slice(type.lastIndexOf(".") + 1);
    const before = sections.get(key);
    sections.set(key, before ? joined(before, each) : each);
  }
  const of = (section: string, field: string): readonly Json[] =>
    which === "dynamic" && field.startsWith("static_") ? [] : list(sections.get(section)?.[field]);
  /** The resources of lists of a section; each stands in `field` of its entry. */
  const resources = (section: string, lists: readonly string[], field: string): Json[] =>
    lists.flatMap((each) => of(section, each)).flatMap((entry): readonly Json[] => asList(object(entry[field])));
  const secrets = (field: string, status: DumpedSecret["status"]): DumpedSecret[] =>
    of("SecretsConfigDump", field).map((each) => ({ name: string(each.name), status, secret: object(each.secret) }));
  return {
    sections,
    bootstrap: sections.get("BootstrapConfigDump"),
    clusters: resources("ClustersConfigDump", ["static_clusters", "dynamic_active_clusters"], "cluster"),
    listeners: [
      ...of("ListenersConfigDump", "dynamic_listeners").flatMap((each) =>
        asList(object(object(each.active_state)?.listener)),
      ),
      ...resources("ListenersConfigDump", ["static_listeners"], "listener"),
    ],
    routes: resources("RoutesConfigDump", ["dynamic_route_configs", "static_route_configs"], "route_config").map(whole),
    endpoints: resources(
      "EndpointsConfigDump",
      ["static_endpoint_configs", "dynamic_endpoint_configs"],
      "endpoint_config",
    ),
    extensions: resources("EcdsConfigDump", ["ecds_filters"], "ecds_filter"),
    secrets: [
      ...secrets("dynamic_active_secrets", "ACTIVE"),
      ...secrets("dynamic_warming_secrets", "WARMING"),
      ...secrets("static_secrets", "ACTIVE"),
    ],
  };
}

/**
 * A table whose virtual hosts came one by one (VHDS) as if they had come with it: without the table's name in front of theirs. Envoy has
 * them in an order of its own.
 */
function whole(table: Json): Json {
  const { vhds, virtual_hosts: hosts, ...rest } = table;
  if (!vhds) return table;
  const prefix = `${string(table.name)}/`;
  const named = list(hosts).map((each) => ({ ...each, name: string(each.name).replace(prefix, "") }));
  return { ...rest, virtual_hosts: named.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function asList(found: Json | undefined): readonly Json[] {
  return found ? [found] : [];
}

function joined(a: Json, b: Json): Json {
  const both: Record<string, unknown> = { ...a };
  for (const [field, value] of Object.entries(b))
    both[field] = Array.isArray(value) ? [...list(both[field]), ...value] : value;
  return both;
}

/** The elements of a repeated field; none when the field is absent. */
export function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** A message field; undefined when it is absent. */
export function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** A string, number or bool field as text; empty when it is absent. */
export function string(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** The strings of a repeated field. */
export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(string) : [];
}

/** The `@type` of an Any, without the prefix. */
export function typeOf(any: unknown): string {
  return string(object(any)?.["@type"]).replace("type.googleapis.com/", "");
}
