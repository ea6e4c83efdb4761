import { join } from "node:path";
import type { ConfigOf } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import type { InjectContext } from "@xebec/injector-template";
import type { Bus } from "@xebec/platform-bus";
import type { TlsSource } from "@xebec/platform-grpc";
import { createHttpServer, monitoring } from "@xebec/platform-http";
import type { KubeClient } from "@xebec/platform-kube";
import type { FastifyInstance } from "fastify";
import { createAuditor } from "./auditor.ts";
import type { InjectorConfig } from "./config.ts";
import { kubeletVersions } from "./kubelet-versions.ts";
import { createMeshSource } from "./mesh-source.ts";
import { pathSettings } from "./path-settings.ts";
import { registerInjector } from "./registration.ts";
import { reviewPod } from "./review.ts";
import { createSettings } from "./settings.ts";

/** Istio's, in seconds. */
const TIME_BUCKETS = [0.1, 1, 3, 5, 10, 20, 30, 60];
const MAX_REVIEW_BYTES = 8 << 20;

export interface InjectorParts {
  readonly config: ConfigOf<typeof InjectorConfig>;
  /** Where the mesh configuration and the ProxyConfigs are; absent where nothing but files says how pods are injected. */
  readonly bus?: Bus;
  readonly tls?: TlsSource;
  readonly metrics?: Metrics;
  /** The API server whose webhook configurations are kept right, when `hasCluster`. */
  readonly client?: KubeClient;
}

/** The components of the sidecar injector, for a process of its own and for the one that has all services. */
export function injectorComponents({
  config,
  bus,
  tls,
  client,
  metrics = createMetrics(),
}: InjectorParts): Component[] {
  const cacheFile = config.stateDir ? join(config.stateDir, "config.json") : undefined;
  const mesh = bus && createMeshSource(bus, metrics, config.namespace, cacheFile);
  const kubelets = client && config.nativeSidecars === "auto" ? kubeletVersions(client) : undefined;
  const settings = createSettings({
    config,
    ...(mesh ? { mesh: mesh.current } : {}),
    nativeSidecars: kubelets ? kubelets.haveNativeSidecars : () => config.nativeSidecars === "true",
  });
  const registration =
    client && tls && config.reconcileWebhookConfig
      ? registerInjector({
          ...{ client, tls, metrics, configuration: config.webhookConfigName, webhook: config.webhookName },
          revision: config.revision,
        })
      : undefined;
  const components: Component[] = [
    settings.component,
    ...(mesh ? [mesh.component] : []),
    ...(kubelets ? [kubelets.component] : []),
    ...(registration?.components ?? []),
    ...(client && config.audit ? [createAuditor({ client, metrics, context: settings.current })] : []),
    ...(tls
      ? [
          createHttpServer({
            name: "webhook",
            address: { host: config.address, port: config.port },
            tls: registration?.tls ?? tls,
            routes: (app) => injectRoutes(app, settings.current, metrics),
            limits: { maxBodyBytes: MAX_REVIEW_BYTES },
          }),
        ]
      : []),
  ];
  return [
    monitoring({
      name: "sidecar-injector",
      address: { host: config.monitoringAddress, port: config.monitoringPort },
      components,
      metrics,
    }),
    ...components,
  ];
}

/** The webhook's path `/inject`, and today's form with settings in the path. */
export function injectRoutes(app: FastifyInstance, context: () => InjectContext, metrics: Metrics): void {
  const requests = metrics.counter("sidecar_injection_requests_total", "Total number of sidecar injection requests.");
  const outcomes = {
    injected: metrics.counter(
      "sidecar_injection_success_total",
      "Total number of successful sidecar injection requests.",
    ),
    failed: metrics.counter("sidecar_injection_failure_total", "Total number of failed sidecar injection requests."),
    skipped: metrics.counter("sidecar_injection_skip_total", "Total number of skipped sidecar injection requests."),
  };
  const time = metrics.histogram(
    "sidecar_injection_time_seconds",
    "Total time taken for injection in seconds.",
    TIME_BUCKETS,
  );
  app.get("/ready", (_request, reply) => reply.type("text/plain").send("ok\n"));
  app.post("/inject", (request) => answer(request.body, {}));
  app.post<{ Params: { "*": string } }>("/inject/*", (request) =>
    answer(request.body, pathSettings(request.params["*"])),
  );

  function answer(body: unknown, environment: Readonly<Record<string, string>>): unknown {
    if (body === undefined || body === null) throw new XebecError("invalid_argument", "no body found");
    const began = performance.now();
    requests.inc();
    const review = reviewPod(body, context(), environment);
    outcomes[review.outcome].inc();
    time.observe((performance.now() - began) / 1_000);
    return review.body;
  }
}
