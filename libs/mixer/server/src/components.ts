import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseAddress } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import type { Bus } from "@xebec/platform-bus";
import type { TlsSource } from "@xebec/platform-grpc";
import { monitoring } from "@xebec/platform-http";
import { type ServiceAdapters, serviceAdapters } from "./adapters.ts";
import { adapterPortsOf, listenAddressOf, loadSheddingOf, type MixerConfig, metricsExpiryMs } from "./config.ts";
import { debugRoutes } from "./debug-routes.ts";
import { Ledger } from "./ledger.ts";
import {
  createMixerPolicy,
  createMixerTelemetry,
  type MixerService,
  type MixerServiceOptions,
} from "./mixer-service.ts";
import { StandardMetrics } from "./standard-metrics.ts";

/** Istio's port of the metrics of the mesh. */
const METRICS = "prometheus/metrics";

export interface MixerParts<C extends MixerConfig = MixerConfig> {
  readonly config: C;
  readonly bus: Bus;
  readonly metrics?: Metrics;
  /** The certificate of the secure port; without it that port is not opened. */
  readonly tls?: TlsSource;
}

/** The components of mixer-policy, for a process of its own and for the one that has all services. */
export async function policyComponents(given: MixerParts): Promise<Component[]> {
  const parts = { metrics: createMetrics(), ...given };
  const loaded = await serviceAdapters("mixer-policy", parts);
  return [
    ...withMonitoring("mixer-policy", parts, loaded, createMixerPolicy),
    ...loaded.pages.servers(adapterPortsOf(parts.config)),
  ];
}

/** The components of mixer-telemetry. */
export async function telemetryComponents(
  given: MixerParts<MixerConfig & { readonly prometheusAddr: string; readonly metricsExpiryDuration: string }>,
): Promise<Component[]> {
  const parts = { metrics: createMetrics(), ...given };
  const { prometheusAddr, stateDir } = parts.config;
  if (stateDir) mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const ledger = new Ledger(stateDir ? { dir: stateDir } : {});
  const keep = stateDir ? (group: string) => ledger.group(group) : undefined;
  const loaded = await serviceAdapters("mixer-telemetry", { ...parts, ledger: stateDir ? ledger : undefined });
  const standard = new StandardMetrics({ keep, expiryMs: metricsExpiryMs(parts.config) });
  return [
    ledger.component(),
    ...withMonitoring("mixer-telemetry", parts, loaded, (options) =>
      createMixerTelemetry({ ...options, standard, ledger }),
    ),
    ...loaded.pages.servers({ [METRICS]: prometheusAddr, ...adapterPortsOf(parts.config) }, (port, path, text) =>
      port === METRICS && path === "/metrics" ? standard.text(text) : "",
    ),
  ];
}

function withMonitoring(
  name: string,
  { config, bus, metrics, tls }: MixerParts & { readonly metrics: Metrics },
  { adapters, limits, follow, index, hostOf }: ServiceAdapters,
  create: (options: MixerServiceOptions) => MixerService,
): Component[] {
  const { secureAddr, stateDir, configDefaultNamespace, useAdapterCRDs, maxMessageSize, maxConcurrentStreams } = config;
  const { components, runtime } = create({
    bus,
    adapters,
    followAdapters: follow,
    hostOf,
    secretDirs: config.handlerSecretDirs,
    limits,
    index,
    metrics,
    address: listenAddressOf(config),
    defaultNamespace: configDefaultNamespace,
    legacyHandlers: useAdapterCRDs,
    loadShedding: loadSheddingOf(config),
    maxMessageBytes: maxMessageSize,
    maxConcurrentStreams,
    ...(tls && secureAddr ? { tls: { address: parseAddress(secureAddr), source: tls } } : {}),
    ...(stateDir
      ? {
          cacheFiles: {
            config: join(stateDir, "config.cache"),
            workloads: join(stateDir, "workloads.cache"),
            trust: join(stateDir, "trust.cache"),
          },
        }
      : {}),
  });
  const address = { host: config.monitoringAddress, port: config.monitoringPort };
  return [
    monitoring({
      name,
      address,
      components: [bus, ...components],
      metrics,
      routes: (app) => debugRoutes(app, runtime, index),
    }),
    ...components,
  ];
}
