import { createPublicKey, type KeyObject } from "node:crypto";
import type { HostPort } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import { spiffeId } from "@xebec/model-names";
import { parseCertificate } from "@xebec/model-pki";
import type { Bus, NatsControlOptions } from "@xebec/platform-bus";
import { createGrpcServer, grpcHealth } from "@xebec/platform-grpc";
import { monitoring } from "@xebec/platform-http";
import { createAuthenticator, loadOrCreateTokenKey } from "@xebec/platform-identity";
import { createTokenReviewer, type KubeClient } from "@xebec/platform-kube";
import { type AuthoritySource, createAuthoritySource } from "./authority-source.ts";
import { certificateServices } from "./certificate-service.ts";
import type { CitadelFlags } from "./config.ts";
import { createCaSecrets } from "./kubernetes/ca-secrets.ts";
import { kubernetesWriter } from "./kubernetes/writer.ts";
import { createOwnCertificate } from "./own-certificate.ts";
import { createTrustPublisher } from "./trust-publisher.ts";

/** Largest request: a certificate request has some 2 KiB. */
const MAX_REQUEST_BYTES = 64 << 10;

export interface CitadelParts {
  readonly config: CitadelFlags;
  /** On which the trusted roots are published; it is started by its owner. */
  readonly bus: Bus;
  readonly metrics?: Metrics;
  /** What signs; one of its own without it. */
  readonly source?: AuthoritySource;
  /** By which servers of the bus are asked to read a new certificate, with `--bus-tls`. */
  readonly busControl?: NatsControlOptions;
  /** The API server, when `isOnKubernetes`. */
  readonly client?: KubeClient;
  /** False: the process has a monitoring port of its own (true). */
  readonly withMonitoring?: boolean;
  /** Told the port of the services once it is bound. */
  readonly onListening?: (port: number) => void;
}

/** What signs, as the flags describe it; `citadelComponents` starts it. @param client the API server, when `isOnKubernetes` */
export function createAuthority(config: CitadelFlags, client: KubeClient | undefined): AuthoritySource {
  return createAuthoritySource(
    config,
    client && createCaSecrets(client, config["citadel-storage-namespace"], config["root-of"]),
  );
}

/**
 * The components of citadel, for a process of its own and for the one that has all services.
 * @throws XebecError invalid_argument for a duration that cannot be read
 */
export function citadelComponents(parts: CitadelParts): Component[] {
  const { config, bus, client, metrics = createMetrics(), withMonitoring = true } = parts;
  const trustDomain = config["trust-domain"];
  const namespace = config["citadel-storage-namespace"];
  const source = parts.source ?? createAuthority(config, client);
  const own = createOwnCertificate({ source, names: ownNames(config) });
  const tokenKeys: KeyObject[] = [];
  const authenticate = createAuthenticator({
    trustDomain,
    tokenKeys: () => tokenKeys,
    withoutKeys: client ? "it is not one of citadel's own" : "tokens are not taken here: citadel has no --storage-dir",
    isRevoked: (serial) => source.isRevoked(serial),
  });
  const server = createGrpcServer({
    name: "citadel",
    address: { host: config.address, port: config["grpc-port"] },
    tls: own,
    services: [
      certificateServices({
        ...{ source, authenticate, namespace, metrics },
        reviewToken: client && createTokenReviewer(client, trustDomain),
      }),
      grpcHealth([source]),
    ],
    reflection: true,
    limits: { maxMessageBytes: MAX_REQUEST_BYTES, maxCallMs: 10_000 },
    metrics,
  });
  expiryMetrics(metrics, source);
  const components: Component[] = [
    tokenKeyComponent(config["storage-dir"], tokenKeys),
    source,
    own,
    createTrustPublisher(bus, source, trustDomain, tokenKeys),
    ...(config["grpc-port"] >= 0 ? [listening(server, parts.onListening)] : []),
    ...(client ? [kubernetesWriter({ client, config, source, metrics, busControl: parts.busControl })] : []),
  ];
  const address: HostPort = { host: config.address, port: config["monitoring-port"] };
  return withMonitoring
    ? [monitoring({ name: "citadel", address, components: [bus, ...components], metrics }), ...components]
    : components;
}

function listening(server: Component & { readonly port: number }, notify: CitadelParts["onListening"]): Component {
  return {
    name: server.name,
    async start(signal) {
      await server.start(signal);
      notify?.(server.port);
    },
    close: async () => server.close?.(),
  };
}

/** The key whose tokens are taken; without a directory there is none and only certificates authenticate. */
function tokenKeyComponent(dir: string | undefined, keys: KeyObject[]): Component {
  return {
    name: "token key",
    async start() {
      if (dir) keys.splice(0, keys.length, createPublicKey(await loadOrCreateTokenKey(dir)));
    },
  };
}

function ownNames(config: CitadelFlags) {
  const namespace = config["citadel-storage-namespace"];
  const service = `istio-citadel.${namespace}.svc`;
  const { address } = config;
  const loopback = ["127.0.0.1", "::1"];
  return {
    uris: [
      spiffeId({ trustDomain: config["trust-domain"], namespace, serviceAccount: "istio-citadel-service-account" }),
    ],
    dns: [
      ...config["grpc-host-identities"],
      `istio-citadel.${namespace}`,
      service,
      `${service}.cluster.local`,
      "localhost",
    ],
    ips: /^(0\.0\.0\.0|::)$/.test(address) || loopback.includes(address) ? loopback : [...loopback, address],
  };
}

function expiryMetrics(metrics: Metrics, source: AuthoritySource): void {
  const root = (): number => parseCertificate(source.authority().roots).notAfter / 1_000;
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.gauge(`citadel_server_${name}`, help, [], () => (source.missing?.().length === 0 ? value() : 0));
  const left = (end: number): number => end - Date.now() / 1_000;
  gauge("root_cert_expiry_timestamp", "End of the root that signs, seconds since 1970.", root);
  gauge("root_cert_expiry_seconds", "Seconds until the root that signs ends.", () => left(root()));
  const chain = (): number => source.authority().notAfter / 1_000;
  gauge("cert_chain_expiry_timestamp", "End of the signing chain, seconds since 1970.", chain);
  gauge("cert_chain_expiry_seconds", "Seconds until the signing chain ends.", () => left(chain()));
}
