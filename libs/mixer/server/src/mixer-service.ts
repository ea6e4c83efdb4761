import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { ADAPTERS } from "@xebec/mixer-catalogue";
import { createRemoteFactory } from "@xebec/mixer-remote";
import { MixerRuntime } from "@xebec/mixer-runtime";
import type { Adapter, AdapterHost, AdapterInfo, HandlerLimits, Variety } from "@xebec/mixer-sdk";
import { type Bus, createRevoked } from "@xebec/platform-bus";
import {
  createGrpcServer,
  type GrpcServer,
  type GrpcService,
  grpcHealth,
  type ListenAddress,
  refusing,
  type TlsSource,
} from "@xebec/platform-grpc";
import { accessLogService } from "./access-log-service.ts";
import { checkService } from "./check-service.ts";
import { createConfigSource } from "./config-source.ts";
import { WORKLOAD_INPUTS } from "./derive.ts";
import { registerDispatchMetrics } from "./dispatch-metrics.ts";
import { extAuthzService } from "./ext-authz-service.ts";
import { handlerServices } from "./handler-services.ts";
import { Ledger } from "./ledger.ts";
import { LoadShedder, type LoadSheddingOptions } from "./load-shedding.ts";
import { MOST_ELEMENTS } from "./long-report.ts";
import { createMeters } from "./meters.ts";
import { otelLogService } from "./otel-log-service.ts";
import { rateLimitService } from "./rate-limit-service.ts";
import { reportService } from "./report-service.ts";
import type { MixerServiceParts } from "./service-parts.ts";
import type { StandardMetrics } from "./standard-metrics.ts";
import { WorkloadIndex } from "./workload-index.ts";
import { createWorkloadSource } from "./workload-source.ts";

export interface MixerServiceOptions {
  readonly bus: Bus;
  /** Where the gRPC port listens (9091). */
  readonly address: ListenAddress;
  /** A second port with TLS (15004). */
  readonly tls?: { readonly address: ListenAddress; readonly source: TlsSource };
  readonly adapters: readonly Adapter[];
  /** Follows changes of `adapters`: puts the configuration into effect again. */
  readonly followAdapters?: (changed: () => void) => Component;
  /** What an adapter may use of this process. */
  readonly hostOf?: (info: AdapterInfo) => AdapterHost;
  /** Directories below which handlers may read secrets. */
  readonly secretDirs?: readonly string[];
  /** What handlers may reach; absent: whatever there is. */
  readonly limits?: HandlerLimits;
  /** Rules of this namespace hold for all (`istio-system`). */
  readonly defaultNamespace?: string;
  /** Whether handlers may be of a kind that is an adapter's name (true). */
  readonly legacyHandlers?: boolean;
  /** The pods of the mesh, when adapters were given them, too. */
  readonly index?: WorkloadIndex;
  readonly metrics: Metrics;
  readonly loadShedding?: LoadSheddingOptions;
  readonly maxMessageBytes?: number;
  readonly maxConcurrentStreams?: number;
  /** Counts what Telemetry asks for. */
  readonly standard?: StandardMetrics;
  /** What of reports outlasts the process; absent: nothing does. */
  readonly ledger?: Ledger;
  /** Files that keep the last known good states, so that a restarted service serves while the bus is down. */
  readonly cacheFiles?: { readonly config: string; readonly workloads: string; readonly trust: string };
}

export interface MixerService {
  readonly components: readonly Component[];
  readonly runtime: MixerRuntime;
  /** The plaintext gRPC server; its port is known after the start. */
  readonly server: GrpcServer;
}

const NO_SHEDDING: LoadSheddingOptions = {
  mode: "disabled",
  averageLatencyMs: 0,
  samplesPerSecond: Number.MAX_VALUE,
  sampleHalfLifeMs: 1000,
  maxRequestsPerSecond: 0,
  burst: 0,
};

/** What each service does. */
export const VARIETIES = {
  "mixer-policy": ["check", "quota", "attributes"],
  "mixer-telemetry": ["report", "attributes"],
} as const satisfies Record<string, readonly Variety[]>;

/**
 * The parts of mixer-policy: `istio.mixer.v1.Mixer/Check`, Envoy's ext_authz and Envoy's rate limit service on one port.
 * The bucket `config` gives the rules; conditions of their objects go to the bucket `status`.
 */
export function createMixerPolicy(options: MixerServiceOptions): MixerService {
  return createService("mixer-policy", options, (parts) => [
    checkService(parts),
    extAuthzService(parts),
    rateLimitService(parts),
  ]);
}

/** The parts of mixer-telemetry: `istio.mixer.v1.Mixer/Report` and Envoy's two access-log services on one port. */
export function createMixerTelemetry(options: MixerServiceOptions): MixerService {
  return createService("mixer-telemetry", options, (parts) => [
    reportService(parts),
    accessLogService(parts),
    otelLogService(parts),
  ]);
}

function createService(
  name: keyof typeof VARIETIES,
  options: MixerServiceOptions,
  servicesOf: (parts: MixerServiceParts) => GrpcService[],
): MixerService {
  const { bus, metrics, adapters, defaultNamespace = "istio-system", cacheFiles } = options;
  let changed = (): void => undefined;
  const runtime = new MixerRuntime({
    adapters,
    catalogue: () => new Map([...ADAPTERS, ...adapters.map((each) => [each.name, each] as const)]),
    remote: createRemoteFactory({ service: name, limits: options.limits, bus, hostOf: options.hostOf }),
    contextOf: handlerServices(metrics, options.secretDirs ?? []),
    varieties: VARIETIES[name],
    defaultNamespace,
    ...(options.limits ? { limits: options.limits } : {}),
    inputs: WORKLOAD_INPUTS,
    legacyHandlers: options.legacyHandlers ?? true,
    log: logger("adapters"),
    changed: () => void changed(),
  });
  const index = options.index ?? new WorkloadIndex();
  const meters = createMeters(metrics);
  registerDispatchMetrics(metrics, runtime);
  const shedder = new LoadShedder(options.loadShedding ?? NO_SHEDDING, () => meters.shed());
  const config = createConfigSource({ service: name, bus, runtime, meters, metrics, cacheFile: cacheFiles?.config });
  changed = () => config.healthChanged();
  const workloads = createWorkloadSource(bus, index, metrics, cacheFiles?.workloads);
  const services = [
    ...servicesOf({
      ...{ runtime, index, shedder, meters, ledger: options.ledger ?? new Ledger() },
      ...(options.standard ? { standard: options.standard } : {}),
    }),
    grpcHealth([config]),
  ];
  const limits = {
    maxMessageBytes: options.maxMessageBytes ?? 1 << 20,
    // A report's elements, and the words that they have in common.
    maxFields: 2 * MOST_ELEMENTS,
    maxStreamsPerConnection: options.maxConcurrentStreams ?? 1024,
  };
  const server = createGrpcServer({
    ...{ name: `${name} gRPC`, address: options.address, services, limits, metrics },
    reflection: true,
  });
  const revoked = createRevoked({ bus, metrics, cacheFile: cacheFiles?.trust });
  const secure = options.tls
    ? [
        revoked,
        createGrpcServer({
          name: `${name} gRPC mTLS`,
          address: options.tls.address,
          tls: refusing(options.tls.source, ({ serialNumber }) => revoked.isRevoked(serialNumber)),
          services,
          reflection: true,
          limits,
          metrics,
        }),
      ]
    : [];
  const follower = options.followAdapters?.(() => config.refresh());
  return { components: [workloads, config, ...(follower ? [follower] : []), server, ...secure], runtime, server };
}
