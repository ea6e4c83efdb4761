import type { ConfigOf } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import { type Bus, createConditions } from "@xebec/platform-bus";
import type { TlsSource } from "@xebec/platform-grpc";
import { createHttpServer, monitoring } from "@xebec/platform-http";
import { admissionRoutes } from "./admission.ts";
import type { GalleyConfig } from "./config.ts";
import { createConfigPublisher } from "./config-publisher.ts";
import type { ConfigSource } from "./config-source.ts";
import { createDirectorySource } from "./directory/directory-source.ts";

/** Largest object that the webhook takes; Kubernetes' own limit is 3 MiB. */
const MAX_REVIEW_BYTES = 8 << 20;

export interface GalleyParts {
  readonly config: ConfigOf<typeof GalleyConfig>;
  readonly bus: Bus;
  /** The webhook's certificate; without it the webhook is not served: the API server speaks TLS only. */
  readonly tls?: TlsSource;
  readonly metrics?: Metrics;
}

/** Where configuration comes from, by the flags, in the order of precedence. */
function sourcesOf(config: GalleyParts["config"]): ConfigSource[] {
  return config.configPath ? [createDirectorySource(config.configPath)] : [];
}

/** The components of galley, for a process of its own and for the one that has all services. */
export function galleyComponents({ config, bus, tls, metrics = createMetrics() }: GalleyParts): Component[] {
  const sources = sourcesOf(config);
  const publisher =
    sources.length > 0
      ? createConfigPublisher({
          ...{ sources, bus, conditions: createConditions(bus, "galley") },
          ...(config.stateDir ? { stateDir: config.stateDir } : {}),
        })
      : undefined;
  const components: Component[] = [
    ...(publisher ? [publisher] : []),
    ...(config["enable-validation"] && tls
      ? [
          createHttpServer({
            name: "webhook",
            address: { host: config["validation-address"], port: config["validation-port"] },
            tls,
            routes: (app) => admissionRoutes(app, publisher && (() => publisher.mixer())),
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
    ...components,
  ];
}
