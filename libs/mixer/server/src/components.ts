import { join } from "node:path";
import { parseAddress } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import type { Adapter } from "@xebec/mixer-sdk";
import type { Bus } from "@xebec/platform-bus";
import type { TlsSource } from "@xebec/platform-grpc";
import { monitoring } from "@xebec/platform-http";
import { listenAddressOf, loadSheddingOf, type MixerConfig } from "./config.ts";
import { metricsEndpoint } from "./metrics-endpoint.ts";
import {
  createMixerPolicy,
  createMixerTelemetry,
  type MixerService,
  type MixerServiceOptions,
} from "./mixer-service.ts";

export interface MixerParts<C extends MixerConfig = MixerConfig> {
  readonly config: C;
  readonly bus: Bus;
  readonly adapters: readonly Adapter[];
  readonly metrics?: Metrics;
  /** The certificate of the secure port; without it that port is not opened. */
  readonly tls?: TlsSource;
}

/** Metrics that something exposes for Prometheus on a port of its own. */
export interface Exposition {
  readonly contentType: string;
  text(): string;
}

/** The components of mixer-policy, for a process of its own and for the one that has all services. */
export function policyComponents(parts: MixerParts): Component[] {
  return withMonitoring("mixer-policy", parts, createMixerPolicy);
}

/** The components of mixer-telemetry. @param exposition what the prometheus adapter has gathered */
export function telemetryComponents(
  parts: MixerParts<MixerConfig & { readonly prometheusAddr: string }>,
  exposition: Exposition,
): Component[] {
  const { prometheusAddr } = parts.config;
  const { contentType } = exposition;
  return [
    ...withMonitoring("mixer-telemetry", parts, createMixerTelemetry),
    ...(prometheusAddr ? [metricsEndpoint(parseAddress(prometheusAddr), contentType, () => exposition.text())] : []),
  ];
}

function withMonitoring(
  name: string,
  { config, bus, adapters, metrics = createMetrics(), tls }: MixerParts,
  create: (options: MixerServiceOptions) => MixerService,
): Component[] {
  const { secureAddr, stateDir, configDefaultNamespace, useAdapterCRDs, maxMessageSize, maxConcurrentStreams } = config;
  const { components } = create({
    bus,
    adapters,
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
  return [monitoring({ name, address, components: [bus, ...components], metrics }), ...components];
}
