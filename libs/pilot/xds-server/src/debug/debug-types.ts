import { create, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { XebecError } from "@xebec/core-errors";
import { type Identity, spiffeId } from "@xebec/model-names";
import { TYPE_URL, wholeApi } from "@xebec/pilot-xds-gen";
import type { Connection } from "../connection/connection.ts";
import type { Subscription } from "../subscription/subscription.ts";
import { configDump } from "./config-dump.ts";
import { debugPage } from "./debug-pages.ts";
import type { DebugSource } from "./debug-source.ts";
import { connectionOf } from "./proxy-lookup.ts";

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
  const isSeen = ({ proxy }: Connection): boolean => seesAll || proxy.namespace === identity.namespace;
  switch (typeUrl) {
    case "istio.io/debug/syncz":
      return syncStatuses([...server.connections].filter(isSeen));
    case "istio.io/connections":
    case "istio.io/connect":
      return nodes([...server.connections].filter(isSeen));
    case "istio.io/debug/config_dump":
      return dump(server, names, isSeen);
    case DEBUG:
      return [await page(server, names, seesAll, identity)];
    default:
      return [];
  }
}

const TYPES = ["listener", "route", "endpoint", "cluster", "extensionconfig"] as const;

async function syncStatuses(connections: readonly Connection[]): Promise<DebugResource[]> {
  const { ClientConfigSchema, ConfigStatus } = await import("@xebec/api-envoy/envoy/service/status/v3/csds");
  const statusOf = (sub: Subscription | undefined) => {
    if (!sub || sub.nonce === "") return ConfigStatus.NOT_SENT;
    return sub.ackedNonce === sub.nonce ? ConfigStatus.SYNCED : ConfigStatus.STALE;
  };
  return connections.map((connection) => {
    const node = nodeOf(connection);
    const genericXdsConfigs = TYPES.map((type) => ({
      typeUrl: TYPE_URL[type],
      configStatus: statusOf(connection.subscriptions.get(type)),
    }));
    const config = create(ClientConfigSchema, { node, genericXdsConfigs });
    return { name: node.id, resource: anyPack(ClientConfigSchema, config) };
  });
}

async function nodes(connections: readonly Connection[]): Promise<DebugResource[]> {
  const { NodeSchema } = await import("@xebec/api-envoy/envoy/config/core/v3/base");
  return connections.map((connection) => {
    const node = nodeOf(connection);
    return { name: node.id, resource: anyPack(NodeSchema, create(NodeSchema, node)) };
  });
}

function nodeOf({ proxy, clusterId }: Connection): { readonly id: string; readonly metadata: JsonObject } {
  const metadata = { CLUSTER_ID: clusterId, NAMESPACE: proxy.namespace, ISTIO_VERSION: proxy.istioVersion };
  return { id: `${proxy.pod}.${proxy.namespace}`, metadata };
}

async function dump(
  server: DebugSource,
  [id, ...more]: readonly string[],
  isSeen: (connection: Connection) => boolean,
): Promise<DebugResource[]> {
  const connection = id !== undefined && more.length === 0 ? connectionOf(server, id) : undefined;
  if (!connection || !isSeen(connection)) return [];
  const registry = await wholeApi();
  const { configs } = await configDump(connection, [], false);
  return configs.map(({ "@type": typeUrl, ...fields }) => {
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
  const body = await debugPage(server, path, Object.fromEntries(url.searchParams));
  const value = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { name, resource: { typeUrl: DEBUG, value } };
}
