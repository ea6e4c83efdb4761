import { decoded, type EncodedResource, TYPE_URL, wholeApi } from "@xebec/pilot-xds-gen";
import type { Connection } from "../connection/connection.ts";

/** Where Envoy's dump has the resources of a type: the message, its field, and what is around each resource. */
interface DumpSection {
  readonly type: string;
  readonly message: string;
  readonly field: string;
  readonly wrapped: (resource: unknown) => unknown;
}

/** A section in Envoy's JSON form. */
export interface DumpedSection {
  readonly "@type": string;
  readonly [field: string]: unknown;
}

/** In Envoy's order. A type that is not here is in no dump. */
const SECTIONS: readonly DumpSection[] = [
  {
    ...{ type: "cluster", message: "ClustersConfigDump", field: "dynamic_active_clusters" },
    wrapped: (cluster) => ({ cluster }),
  },
  {
    ...{ type: "listener", message: "ListenersConfigDump", field: "dynamic_listeners" },
    wrapped: (listener) => ({ active_state: { listener } }),
  },
  {
    ...{ type: "route", message: "RoutesConfigDump", field: "dynamic_route_configs" },
    wrapped: (route_config) => ({ route_config }),
  },
  {
    ...{ type: "secret", message: "SecretsConfigDump", field: "dynamic_active_secrets" },
    wrapped: (secret) => ({ name: (secret as { name?: string }).name ?? "", secret: withoutKey(secret) }),
  },
  {
    ...{ type: "extensionconfig", message: "EcdsConfigDump", field: "ecds_filters" },
    wrapped: (ecds_filter) => ({ ecds_filter }),
  },
  {
    ...{ type: "endpoint", message: "EndpointsConfigDump", field: "dynamic_endpoint_configs" },
    wrapped: (endpoint_config) => ({ endpoint_config }),
  },
];

/** Envoy writes this in place of a private key, too. */
const REDACTED = { inline_bytes: Buffer.from("[redacted]").toString("base64") };

function withoutKey(secret: unknown): unknown {
  const { tls_certificate: pair, ...rest } = secret as { readonly tls_certificate?: object };
  return pair ? { ...rest, tls_certificate: { ...pair, private_key: REDACTED } } : rest;
}

/**
 * What a proxy was sent last, in the form of Envoy's own `/config_dump`.
 * @param shortNames CDS, LDS, RDS, ECDS, EDS; all when empty, but endpoints
 * @param withEndpoints endpoints too, which are most of it, and what Envoy leaves out unless it is asked for them
 */
export async function configDump(
  connection: Connection,
  shortNames: readonly string[],
  withEndpoints: boolean,
): Promise<{ readonly configs: readonly DumpedSection[] }> {
  const registry = await wholeApi();
  const asked = new Set(shortNames.map((each) => each.toLowerCase()));
  const configs = SECTIONS.flatMap(({ type, message, field, wrapped }) => {
    const served = connection.types.find(({ name }) => name === type);
    if (!served) return [];
    const isDefault = type === "endpoint" ? withEndpoints : asked.size === 0;
    if (!isDefault && !asked.has(served.shortName)) return [];
    const resources = [...(connection.subscriptions.get(type)?.sent.resources.values() ?? [])];
    const shown = resources.map((each) => decoded(served.typeUrl, each, registry));
    return {
      "@type": `type.googleapis.com/envoy.admin.v3.${message}`,
      [field]: (type === "route" ? shown.map((each) => withHosts(connection, each, registry)) : shown).map(wrapped),
    };
  });
  return { configs };
}

/** A route table with the virtual hosts that came by VHDS, as Envoy's dump has it. */
function withHosts(connection: Connection, table: unknown, registry: Awaited<ReturnType<typeof wholeApi>>): unknown {
  const { name, vhds } = table as { readonly name?: string; readonly vhds?: object };
  if (!vhds) return table;
  const hosts = [...(connection.subscriptions.get("virtualhost")?.sent.resources.values() ?? [])].filter(
    (each) => each.bytes.length > 0 && each.name.slice(0, each.name.lastIndexOf("/")) === name,
  );
  const shown = hosts.map((each) => {
    const { "@type": _type, ...host } = decoded(TYPE_URL.virtualhost, each, registry) as { readonly "@type"?: string };
    return host;
  });
  return { ...(table as object), virtual_hosts: shown };
}

/** The endpoints that proxies watch, each once, as they were sent. @param connections of all proxies, or of one */
export async function watchedEndpoints(connections: Iterable<Connection>): Promise<unknown[]> {
  const registry = await wholeApi();
  const found = new Map<string, EncodedResource>();
  for (const { subscriptions } of connections)
    for (const each of subscriptions.get("endpoint")?.sent.resources.values() ?? [])
      found.set(`${each.name} ${each.version}`, each);
  return [...found.values()].map((each) => decoded(TYPE_URL.endpoint, each, registry));
}
