import { bootstraps } from "./bds.ts";
import { clusterLists, clusters, prepareClusters } from "./cds.ts";
import { extensionConfigs } from "./ecds.ts";
import { endpoints } from "./eds.ts";
import { listenerLists, listeners } from "./lds.ts";
import { nameTables } from "./nds.ts";
import { pullSecrets } from "./pull-secrets.ts";
import { prepareRoutes, routeLists, routes } from "./rds.ts";
import type { ResourceType } from "./resource-type.ts";
import { secrets } from "./sds.ts";
import { virtualHosts } from "./vhds.ts";

const PREFIX = "type.googleapis.com/envoy.";

/**
 * The xDS types that pilot serves (docs/reference/pilot.md §2.3), in push order: no resource refers to one that a proxy does not have
 * yet. To add a type, add an entry and the function that generates its resources.
 */
const TABLE = [
  {
    name: "cluster",
    typeUrl: `${PREFIX}config.cluster.v3.Cluster`,
    shortName: "cds",
    subscription: "wildcard",
    followsClusters: false,
    alwaysSubscribed: true,
    resources: clusters,
    lists: clusterLists,
    prepare: prepareClusters,
  },
  {
    name: "endpoint",
    typeUrl: `${PREFIX}config.endpoint.v3.ClusterLoadAssignment`,
    shortName: "eds",
    subscription: "named",
    followsClusters: false,
    alwaysSubscribed: true,
    resources: endpoints,
  },
  {
    // Clusters become warm with their secrets, and listeners ask for theirs when they come.
    name: "secret",
    typeUrl: `${PREFIX}extensions.transport_sockets.tls.v3.Secret`,
    shortName: "sds",
    subscription: "named",
    followsClusters: false,
    alwaysSubscribed: false,
    isConfidential: true,
    outlivesRemoval: true,
    resources: secrets,
  },
  {
    name: "extensionconfig",
    typeUrl: `${PREFIX}config.core.v3.TypedExtensionConfig`,
    shortName: "ecds",
    subscription: "named",
    followsClusters: true,
    alwaysSubscribed: false,
    resources: extensionConfigs,
  },
  {
    name: "listener",
    typeUrl: `${PREFIX}config.listener.v3.Listener`,
    shortName: "lds",
    subscription: "wildcard",
    followsClusters: true,
    alwaysSubscribed: true,
    resources: listeners,
    lists: listenerLists,
  },
  {
    name: "route",
    typeUrl: `${PREFIX}config.route.v3.RouteConfiguration`,
    shortName: "rds",
    subscription: "named",
    followsClusters: true,
    alwaysSubscribed: true,
    resources: routes,
    lists: routeLists,
    prepare: prepareRoutes,
  },
  {
    // Envoy asks for all of them: which ones these are, its route tables say.
    name: "virtualhost",
    typeUrl: `${PREFIX}config.route.v3.VirtualHost`,
    shortName: "vhds",
    subscription: "wildcard",
    followsClusters: true,
    follows: "route",
    alwaysSubscribed: false,
    resources: virtualHosts,
  },
  {
    // Agents ask for it, on streams of their own or on Envoy's.
    name: "nametable",
    typeUrl: "type.googleapis.com/istio.networking.nds.v1.NameTable",
    shortName: "nds",
    subscription: "wildcard",
    followsClusters: false,
    alwaysSubscribed: false,
    resources: nameTables,
  },
  {
    // Agents ask for it before they start a proxy.
    name: "bootstrap",
    typeUrl: `${PREFIX}config.bootstrap.v3.Bootstrap`,
    shortName: "bds",
    subscription: "wildcard",
    followsClusters: false,
    alwaysSubscribed: false,
    resources: bootstraps,
  },
  {
    // Xebec's own: agents ask for what they sign in to registries with.
    name: "pullsecret",
    typeUrl: "type.googleapis.com/xebec.agent.v1.PullSecret",
    shortName: "wps",
    subscription: "named",
    followsClusters: false,
    alwaysSubscribed: false,
    isConfidential: true,
    isGranted: true,
    resources: pullSecrets,
  },
] as const satisfies readonly ResourceType[];

/** The name of a type that pilot serves. */
export type XdsType = (typeof TABLE)[number]["name"];
type ShortName = (typeof TABLE)[number]["shortName"];

/** A type that pilot serves. */
export interface ServedType extends ResourceType {
  readonly name: XdsType;
  readonly shortName: ShortName;
}

/** All types, in push order. */
export const RESOURCE_TYPES: readonly ServedType[] = TABLE;

const BY_NAME = new Map<string, ServedType>(RESOURCE_TYPES.map((each) => [each.name, each]));
const BY_URL = new Map<string, ServedType>(RESOURCE_TYPES.map((each) => [each.typeUrl, each]));

/** The table's entry for a type. */
export function resourceType(type: XdsType): ServedType {
  return BY_NAME.get(type) as ServedType;
}

/** The type with a type URL; undefined when pilot does not serve it. */
export function typeOfUrl(url: string): XdsType | undefined {
  return BY_URL.get(url)?.name;
}

/** Type URLs by type. */
export const TYPE_URL = Object.fromEntries(RESOURCE_TYPES.map((each) => [each.name, each.typeUrl])) as Readonly<
  Record<XdsType, string>
>;

/** Istio's short names in metrics and status: cds, eds, sds, ecds, lds, rds, vhds, nds, bds; and wps. */
export const SHORT_NAME = Object.fromEntries(RESOURCE_TYPES.map((each) => [each.name, each.shortName])) as Readonly<
  Record<XdsType, string>
>;
