import { create, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { XebecError } from "@xebec/core-errors";
import { type Identity, spiffeId } from "@xebec/model-names";
import { TYPE_URL, wholeApi } from "@xebec/pilot-xds-gen";
import { configDump } from "./config-dump.ts";
import { debugPage } from "./debug-pages.ts";
import type { DebugSource, OtherDump } from "./debug-source.ts";
import { connectionOf } from "./proxy-lookup.ts";
import { type SyncStatus, syncStatus } from "./sync-status.ts";

/** Types that are answered with what pilot knows of itself; istioctl asks for them (docs/reference/pilot.md §2.3, §8). */
const PREFIX = "istio.io/";
const DEBUG = "istio.io/debug";

export interface DebugRequest {
  readonly typeUrl: string;
  readonly names: readonly string[];
  /** Who asks; undefined on the plaintext port. */
  readonly identity: Identity | undefined;
  /** The namespace whose callers see the whole mesh. */
  readonly systemNamespace: string;
}

export interface DebugResource {
  readonly name: string;
  readonly resource: Pick<Any, "typeUrl" | "value">;
}

export function isDebugType(typeUrl: string): boolean {
  return typeUrl.startsWith(PREFIX);
}

/**
 * The answer to a debug type. Callers of the system namespace see all proxies, others those of their own namespace, as in Istio.
 * @throws XebecError unauthenticated on the plaintext port, permission_denied for what is not for the caller
 */
export async function debugResources(server: DebugSource, request: DebugRequest): Promise<readonly DebugResource[]> {
  const { typeUrl, names, identity, systemNamespace } = request;
  if (!identity)
    throw new XebecError("unauthenticated", `${typeUrl} is for authenticated callers: connect to the secure port`);
  const seesAll = identity.namespace === systemNamespace;
  const isSeen = (namespace: string): boolean => seesAll || namespace === identity.namespace;
  switch (typeUrl) {
    case "istio.io/debug/syncz":
      return syncStatuses(await allStatuses(server, isSeen));
    case "istio.io/connections":
    case "istio.io/connect":
      return nodes(await allStatuses(server, isSeen));
    case "istio.io/debug/config_dump":
      return dump(server, names, isSeen);
    case DEBUG:
      return [await page(server, names, seesAll, identity)];
    default:
      return [];
  }
}

const TYPES = ["listener", "route", "endpoint", "cluster", "extensionconfig"] as const;

/** What all proxies that a caller may see have, those of other copies of pilot included. */
async function allStatuses(server: DebugSource, isSeen: (namespace: string) => boolean): Promise<SyncStatus[]> {
  const all = [...[...server.connections].map(syncStatus), ...((await server.others?.statuses()) ?? [])];
  return all.filter(({ proxy }) => isSeen(proxy.slice(proxy.lastIndexOf(".") + 1)));
}

async function syncStatuses(statuses: readonly SyncStatus[]): Promise<DebugResource[]> {
  const { ClientConfigSchema, ConfigStatus } = await import("@xebec/api-envoy/envoy/service/status/v3/csds");
  const statusOf = (sent = "", acked = "") => {
    if (sent === "") return ConfigStatus.NOT_SENT;
    return acked === sent ? ConfigStatus.SYNCED : ConfigStatus.STALE;
  };
  return statuses.map((status) => {
    const node = nodeOf(status);
    const genericXdsConfigs = TYPES.map((type) => ({
      typeUrl: TYPE_URL[type],
      configStatus: statusOf(status[`${type}_sent`], status[`${type}_acked`]),
    }));
    const config = create(ClientConfigSchema, { node, genericXdsConfigs });
    return { name: node.id, resource: anyPack(ClientConfigSchema, config) };
  });
}

async function nodes(statuses: readonly SyncStatus[]): Promise<DebugResource[]> {
  const { NodeSchema } = await import("@xebec/api-envoy/envoy/config/core/v3/base");
  return statuses.map((status) => {
    const node = nodeOf(status);
    return { name: node.id, resource: anyPack(NodeSchema, create(NodeSchema, node)) };
  });
}

function nodeOf(status: SyncStatus): { readonly id: string; readonly metadata: JsonObject } {
  const { proxy: id, cluster_id, istio_version } = status;
  const metadata = {
    ...{ CLUSTER_ID: cluster_id, NAMESPACE: id.slice(id.lastIndexOf(".") + 1), ISTIO_VERSION: istio_version },
  };
  return { id, metadata };
}

/** The dump of a proxy, wherever it is connected. */
async function dumpOf(server: DebugSource, id: string): Promise<OtherDump | undefined> {
  const connection = connectionOf(server, id);
  if (!connection) return server.others?.dump(id);
  return { namespace: connection.proxy.namespace, ...(await configDump(connection, [], false)) };
}

async function dump(
  server: DebugSource,
  [id, ...more]: readonly string[],
  isSeen: (namespace: string) => boolean,
): Promise<DebugResource[]> {
  const found = id !== undefined && more.length === 0 ? await dumpOf(server, id) : undefined;
  if (!found || !isSeen(found.namespace)) return [];
  const registry = await wholeApi();
  return found.configs.map(({ "@type": typeUrl, ...fields }) => {
    const schema = registry.getMessage(typeUrl.replace("type.googleapis.com/", ""));
    if (!schema) throw new XebecError("internal", `${typeUrl} is not known`);
    const message = fromJson(schema, fields as JsonObject, { registry, ignoreUnknownFields: true });
    return { name: "", resource: { typeUrl, value: toBinary(schema, message) } };
  });
}

/** Pages that callers of other namespaces may ask for, of their own proxies. */
const OWN_PAGES: ReadonlySet<string> = new Set(["config_dump", "ndsz", "edsz"]);

async function page(
  server: DebugSource,
  names: readonly string[],
  seesAll: boolean,
  identity: Identity,
): Promise<DebugResource> {
  const [name] = names;
  if (name === undefined || names.length !== 1)
    throw new XebecError(
      "invalid_argument",
      `${DEBUG} takes one resource name: the page, as syncz or config_dump?proxyID=…`,
    );
  const url = new URL(name, "http://debug/");
  const path = url.pathname.slice(1);
  const proxyId = url.searchParams.get("proxyID") ?? undefined;
  const isOwn = proxyId !== undefined && connectionOf(server, proxyId)?.proxy.namespace === identity.namespace;
  if (!seesAll && !(OWN_PAGES.has(path) && isOwn))
    throw new XebecError(
      "permission_denied",
      `the debug info is not available for current identity: ${spiffeId(identity)}`,
    );
  const body =
    path === "syncz"
      ? await allStatuses(server, (namespace) => namespace === (url.searchParams.get("namespace") ?? namespace))
      : await debugPage(server, path, Object.fromEntries(url.searchParams));
  const value = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { name, resource: { typeUrl: DEBUG, value } };
}
