import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type ConfigOf, parseAddress } from "@xebec/core-config";
import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import { joinCertificates } from "@xebec/model-pki";
import type { MeshConfigSpec } from "@xebec/model-resources";
import { isEndpointsKey } from "@xebec/pilot-snapshot";
import { type Bus, createRevoked } from "@xebec/platform-bus";
import { createGrpcServer, type GrpcService, grpcHealth, refusing, type TlsSource } from "@xebec/platform-grpc";
import { createHttpServer, monitoringRoutes } from "@xebec/platform-http";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { createAuthenticator } from "@xebec/platform-identity";
import { certificateForwarder } from "./ca/certificate-forwarder.ts";
import { conditionWriter } from "./conditions/condition-writer.ts";
import { connectionAgeMs, jwksFetchOf, type PilotConfig } from "./config.ts";
import { debugRoutes } from "./debug/debug-routes.ts";
import { ISTIO_SCHEDULE } from "./key-sets/schedule.ts";
import { Registrations, type RegistrationsOptions } from "./registration/registrations.ts";
import { BusRegistrations } from "./registration/shared-registrations.ts";
import { BusProxies } from "./replicas/other-proxies.ts";
import { Replicas, type ReplicasOptions } from "./replicas/replicas.ts";
import type { SecretAuthorizer } from "./server/secret-access.ts";
import { type ReviewToken, reviewingAuthenticator } from "./server/stream-authenticator.ts";
import { XdsServer } from "./server/xds-server.ts";
import { createPilotState } from "./state/pilot-state.ts";
import { PLATFORM_REGISTRIES } from "./state/registries.ts";

/** Largest request that a proxy may send: its node alone has some 60 KiB. */
const MAX_REQUEST_BYTES = 4 << 20;

/**
 * Names by which today's agents know the control plane, and verify it.
 * @param namespace of the control plane
 */
export function todaysNames(namespace: string): readonly string[] {
  return [`istiod.${namespace}.svc`, `istiod.${namespace}`];
}

export interface PilotParts {
  readonly config: ConfigOf<typeof PilotConfig>;
  readonly bus: Bus;
  /** The certificate of the secure port; without it that port is not opened. */
  readonly tls?: TlsSource;
  readonly metrics?: Metrics;
  /** The mesh configuration while there is no object of it. */
  readonly mesh?: MeshConfigSpec | undefined;
  /** Says who may have the Secrets of its namespace (on Kubernetes a SubjectAccessReview); absent: whoever has proved who it is. */
  readonly authorizeSecrets?: SecretAuthorizer;
  /** On Kubernetes: finds out whom a token belongs to that no key of the mesh has signed. */
  readonly reviewToken?: ReviewToken;
  /** Other times than those of `replicas/` and `registration/`, for tests. */
  readonly replicaTimes?: Pick<ReplicasOptions, "beatMs" | "goneMs"> & Pick<RegistrationsOptions, "graceMs">;
}

/** The components of pilot, for a process of its own and for the one that has all services. */
export function pilotComponents({
  config,
  bus,
  tls,
  mesh,
  authorizeSecrets,
  reviewToken,
  replicaTimes,
  metrics = createMetrics(),
}: PilotParts): Component[] {
  const server = new XdsServer({
    metrics,
    systemNamespace: config.namespace,
    pushThrottle: config.pushThrottle,
    vhdsFrom: config.vhdsFrom,
    others: () => proxies,
    ...(authorizeSecrets ? { authorizeSecrets } : {}),
    registrations: { connected: (...client) => registrations.connected(...client) },
    onQuarantine: () => conditions.changed(),
    // Objects are attached to routers at once; whom else an object concerns is reported when proxies have stopped to come and go.
    onConnections: ({ proxy, subscriptions }) => {
      conditions.proxiesChanged();
      const hasQuarantined = [...subscriptions.values()].some(({ quarantine }) => quarantine.size > 0);
      if (proxy.type === "router" || hasQuarantined) conditions.changed();
    },
  });
  const replicas: Replicas = new Replicas({ bus, id: replicaOf(config), ...replicaTimes });
  const proxies = new BusProxies(bus, replicas, server);
  const conditions = conditionWriter(server, bus, replicas);
  /** Resolves when every proxy was sent what the last snapshot brings it. */
  let sent: Promise<void> = Promise.resolve();
  const cache = config.stateDir ? { cacheDir: config.stateDir } : {};
  const consul = { consulServer: config.consulserverURL, consulToken: config.consulToken };
  const state = createPilotState({
    bus,
    domain: config.domain,
    trustDomain: config["trust-domain"],
    systemNamespace: config.namespace,
    registries: config.registries.flatMap((name) => PLATFORM_REGISTRIES[name]?.({ bus, ...cache, ...consul }) ?? []),
    http10: config.http10,
    ownNamespaceGateways: config.scopeGatewayToNamespace,
    secrets: config.secrets || config.configDir !== undefined || config.registries.includes("Kubernetes"),
    jwksFetch: jwksFetchOf(config),
    keySets: keySetOptions(config, metrics),
    ...(mesh ? { mesh } : {}),
    ...cache,
    onSnapshot: (change) => {
      sent = server.update(change);
      // Endpoints alone change no condition.
      if ([...change.changed].some((key) => !isEndpointsKey(key))) conditions.changed();
    },
    onReached: (position) => void sent.then(() => conditions.reached(position)),
  });
  const shared = new BusRegistrations(bus, replicas, () => registrations);
  const registrations = new Registrations({
    groupOf: (key) => server.generator?.snapshot.workloadGroups.get(key),
    entryOf: (key) => server.generator?.snapshot.workloadEntries.get(key),
    apply: (change) => state.register(change),
    shared,
    ...(replicaTimes?.graceMs ? { graceMs: replicaTimes.graceMs } : {}),
  });
  const maxConnectionAgeMs = connectionAgeMs(config);
  const xds = (name: string, address: string, services: readonly GrpcService[], source?: TlsSource): Component =>
    createGrpcServer({
      name,
      address: parseAddress(address),
      reusePort: config.reusePort,
      ...(source ? { tls: source } : {}),
      services: [...services, grpcHealth([state])],
      reflection: true,
      limits: {
        maxMessageBytes: MAX_REQUEST_BYTES,
        maxCallMs: 60_000,
        ...(maxConnectionAgeMs ? { maxConnectionAgeMs } : {}),
      },
      metrics,
    });
  const revoked = createRevoked({
    ...{ bus, metrics },
    ...(config.stateDir ? { cacheFile: join(config.stateDir, "trust.cache") } : {}),
  });
  const secure = tls && refusing(tls, ({ serialNumber }) => revoked.isRevoked(serialNumber));
  const authenticate = createAuthenticator({
    trustDomain: config["trust-domain"],
    // The chain is trusted, and the node says nothing of its trust domain.
    anyTrustDomain: true,
    tokenKeys: tokenKeysOf(revoked),
    withoutKeys: "tokens are not taken: citadel has published no keys to verify them by",
    isRevoked: (serial) => revoked.isRevoked(serial),
  });
  const { caAddr } = config;
  const forwarder =
    caAddr && tls ? [certificateForwarder({ caAddress: caAddr, roots: () => rootsOf(config, tls) })] : [];
  const components: Component[] = [
    ...(secure ? [revoked] : []),
    replicas,
    conditions,
    shared,
    state,
    proxies,
    ...(config.grpcAddr ? [xds("xDS", config.grpcAddr, [server.service()])] : []),
    ...(config.secureGrpcAddr && secure
      ? [
          xds(
            "secure xDS",
            config.secureGrpcAddr,
            [server.service(reviewingAuthenticator(authenticate, reviewToken)), ...forwarder],
            secure,
          ),
        ]
      : []),
  ];
  const isReady = (): boolean => components.every((each) => (each.missing?.() ?? []).length === 0);
  return [
    createHttpServer({
      name: "http",
      address: parseAddress(config.httpAddr),
      routes: (app) => debugRoutes(app, server, isReady),
    }),
    createHttpServer({
      name: "pilot monitoring",
      address: parseAddress(config.monitoringAddr),
      limits: { maxBodyBytes: 16 << 10, maxConnections: 200 },
      routes: (app) => {
        monitoringRoutes(app, { name: "pilot", components: [bus, ...components], metrics });
        debugRoutes(app, server, isReady);
      },
    }),
    ...components,
  ];
}

/** The name of this copy of pilot: the same after a restart, and no other copy's. */
function replicaOf({ replica, monitoringAddr }: PilotParts["config"]): string {
  return replica || process.env.POD_NAME || `${hostname()}-${parseAddress(monitoringAddr).port}`;
}

/** The keys of tokens, read once for each list of them. */
function tokenKeysOf(source: { readonly tokenKeys: readonly string[] }): () => readonly KeyObject[] {
  let texts: readonly string[] = [];
  let keys: readonly KeyObject[] = [];
  return () => {
    if (source.tokenKeys !== texts) {
      texts = source.tokenKeys;
      keys = texts.map((text) => createPublicKey(text));
    }
    return keys;
  };
}

/** What citadel is verified by: the file, and the roots that it named since. */
function rootsOf({ caRootFile }: PilotParts["config"], tls: TlsSource): string {
  const roots = [tls.current().ca ?? "", ...(caRootFile ? [fileText(caRootFile, "--caRootFile")] : [])];
  return joinCertificates(roots.filter(Boolean));
}

function keySetOptions(config: PilotParts["config"], metrics: Metrics) {
  const { jwksNetworks, jwksRootsFile, jwtPubKeyRefreshInterval: interval } = config;
  const refreshMs = parseDuration(interval) ?? ISTIO_SCHEDULE.refreshMs;
  return {
    policy: createAddressPolicy(jwksNetworks),
    metrics,
    schedule: { ...ISTIO_SCHEDULE, refreshMs },
    ...(jwksRootsFile ? { roots: fileText(jwksRootsFile, "--jwksRootsFile") } : {}),
  };
}

function fileText(path: string, flag: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new XebecError("failed_precondition", `${flag}: ${(error as Error).message}`, { cause: error });
  }
}
