import { type ConfigOf, parseAddress } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import { adapterLoader } from "@xebec/mixer-loader";
import { type Bus, createConditions } from "@xebec/platform-bus";
import type { TlsSource } from "@xebec/platform-grpc";
import { createHttpServer, monitoring } from "@xebec/platform-http";
import type { KubeClient } from "@xebec/platform-kube";
import { admissionRoutes } from "./admission.ts";
import { configSourcesOf, type GalleyConfig, publishesWorkloads } from "./config.ts";
import { type ConfigPublisher, createConfigPublisher } from "./config-publisher.ts";
import type { ConfigSource } from "./config-source.ts";
import { createDirectorySource } from "./directory/directory-source.ts";
import { kubernetesPublishing } from "./kubernetes/kubernetes.ts";
import { createKubernetesSource } from "./kubernetes/kubernetes-source.ts";
import { createNamespaceFilter, type NamespaceFilter } from "./kubernetes/namespace-filter.ts";
import { createObjectStatus, KnownObjects } from "./kubernetes/object-status.ts";
import { createMcpPush } from "./mcp/mcp-push.ts";
import { createMcpServer } from "./mcp/mcp-server.ts";
import { createServedConfig } from "./mcp/served-config.ts";
import { type Registration, registerWebhook } from "./webhook/registration.ts";

/** Largest object that the webhook takes; Kubernetes' own limit is 3 MiB. */
const MAX_REVIEW_BYTES = 8 << 20;

export interface GalleyParts {
  readonly config: ConfigOf<typeof GalleyConfig>;
  readonly bus: Bus;
  /** The webhook's certificate; without it the webhook is not served: the API server speaks TLS only. */
  readonly tls?: TlsSource;
  readonly metrics?: Metrics;
  /** The API server, when `needsKubernetes`. */
  readonly client?: KubeClient;
  /** The API server at which the webhook registers, when `managesWebhook`. */
  readonly webhookClient?: KubeClient;
}

/** What registers the webhook at an API server. */
function registrationOf(
  { config, webhookClient: client }: GalleyParts,
  tls: TlsSource,
  metrics: Metrics,
): Registration | undefined {
  const namespace = config["deployment-namespace"];
  const url = config["validation-url"];
  if (!client) return undefined;
  return registerWebhook({
    ...{ client, tls, metrics, namespace },
    name: config["webhook-name"],
    place: url ? { url } : { service: { name: config["service-name"], namespace } },
    ownerRole: `${config["deployment-name"]}-${namespace}`,
  });
}

/** Where configuration comes from, by the flags, in the order of precedence. */
function sourcesOf(
  config: GalleyParts["config"],
  client: KubeClient | undefined,
  objects: KnownObjects,
  namespaces: NamespaceFilter | undefined,
): ConfigSource[] {
  return configSourcesOf(config).flatMap((each) => {
    if (each === "directory") return config.configPath ? [createDirectorySource(config.configPath)] : [];
    if (!client || !namespaces) return [];
    const watched = config.enableStatus ? { objects } : {};
    return [createKubernetesSource({ client, namespaces, rootNamespace: config["deployment-namespace"], ...watched })];
  });
}

/** What publishes, and what it needs: with an API server one of several replicas does. */
function publishing(
  { config, bus, client }: GalleyParts,
  sources: readonly ConfigSource[],
  objects: KnownObjects,
  namespaces: NamespaceFilter | undefined,
): { readonly publisher?: ConfigPublisher; readonly components: readonly Component[] } {
  const { stateDir } = config;
  if (client && namespaces)
    return kubernetesPublishing({
      ...{
        client,
        sources,
        namespaces,
        bus,
        domain: config.domain,
        namespace: config["deployment-namespace"],
        stateDir,
      },
      ...{ isShared: config.busURL.length > 0, withWorkloads: publishesWorkloads(config) },
      leading: () => (config.enableStatus ? [createObjectStatus({ client, bus, objects })] : []),
    });
  if (sources.length === 0) return { components: [] };
  const conditions = createConditions(bus, "galley");
  const publisher = createConfigPublisher({
    ...{ sources, bus, conditions, systemNamespace: config["deployment-namespace"] },
    ...(stateDir ? { stateDir } : {}),
  });
  return { publisher, components: [publisher] };
}

/** What serves the configuration over MCP. */
function mcpComponents({ config, bus, tls }: GalleyParts, metrics: Metrics): Component[] {
  const { insecure, accessListFile, sinkAddress, sinkMeta } = config;
  const isServed = config["enable-server"];
  if (!isServed && !sinkAddress) return [];
  const served = createServedConfig(bus, metrics);
  return [
    served,
    ...(isServed
      ? [
          createMcpServer({
            ...{ config: served, metrics, accessListFile },
            address: parseAddress(config["server-address"].slice("tcp://".length)),
            ...(tls && !insecure ? { tls } : {}),
            maxMessageBytes: config["server-maxReceivedMessageSize"],
            maxStreams: config["server-maxConcurrentStreams"],
          }),
        ]
      : []),
    ...(sinkAddress ? [createMcpPush({ address: sinkAddress, metadata: pairsOf(sinkMeta), config: served })] : []),
  ];
}

function pairsOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((each) => [each.slice(0, each.indexOf("=")).toLowerCase(), each.slice(each.indexOf("=") + 1)]),
  );
}

/** The components of galley, for a process of its own and for the one that has all services. */
export function galleyComponents(parts: GalleyParts): Component[] {
  const { config, bus, tls, client, metrics = createMetrics() } = parts;
  const objects = new KnownObjects();
  const namespaces = client && createNamespaceFilter({ client, systemNamespace: config["deployment-namespace"] });
  const { publisher, components: publishers } = publishing(
    parts,
    sourcesOf(config, client, objects, namespaces),
    objects,
    namespaces,
  );
  const validates = config["enable-validation"] && tls !== undefined;
  const registration = validates ? registrationOf(parts, tls, metrics) : undefined;
  const components: Component[] = [
    ...publishers,
    ...mcpComponents(parts, metrics),
    ...(registration?.components ?? []),
    ...(validates
      ? [
          createHttpServer({
            name: "webhook",
            address: { host: config["validation-address"], port: config["validation-port"] },
            tls: registration?.tls ?? tls,
            routes: (app) =>
              admissionRoutes(app, metrics, {
                mixer: publisher && (() => publisher.mixer()),
                systemNamespace: config["deployment-namespace"],
              }),
            limits: { maxBodyBytes: MAX_REVIEW_BYTES },
          }),
        ]
      : []),
  ];
  return [
    monitoring({
      name: "galley",
      address: { host: config.monitoringAddress, port: config.monitoringPort },
      components: [bus, ...components],
      metrics,
    }),
    ...(config.adapter.length > 0 ? [adapterLoader(config.adapter, config.adapterReload)] : []),
    ...components,
  ];
}
