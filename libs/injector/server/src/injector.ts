import { join } from "node:path";
import type { ConfigOf } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import { decide, injectionPatch, type Pod } from "@xebec/injector-template";
import type { Bus } from "@xebec/platform-bus";
import type { TlsSource } from "@xebec/platform-grpc";
import { createHttpServer, monitoring } from "@xebec/platform-http";
import type { FastifyInstance } from "fastify";
import type { InjectorConfig } from "./config.ts";
import { createMeshSource } from "./mesh-source.ts";
import { createSettings, type InjectSettings } from "./settings.ts";

const log = logger("inject");
const MAX_REVIEW_BYTES = 8 << 20;

export interface InjectorParts {
  readonly config: ConfigOf<typeof InjectorConfig>;
  /** Where the mesh configuration and the ProxyConfigs are; absent where nothing but files says how pods are injected. */
  readonly bus?: Bus;
  readonly tls?: TlsSource;
  readonly metrics?: Metrics;
}

/** The components of the sidecar injector, for a process of its own and for the one that has all services. */
export function injectorComponents({ config, bus, tls, metrics = createMetrics() }: InjectorParts): Component[] {
  const settings = createSettings(config);
  const cacheFile = config.stateDir ? join(config.stateDir, "config.json") : undefined;
  const mesh = bus && createMeshSource(bus, metrics, cacheFile);
  const current = (): InjectSettings => ({ ...settings.current(), ...(mesh ? { mesh: mesh.current() } : {}) });
  const components: Component[] = [
    settings.component,
    ...(mesh ? [mesh.component] : []),
    ...(tls
      ? [
          createHttpServer({
            name: "webhook",
            address: { host: config.address, port: config.port },
            tls,
            routes: (app) => injectRoutes(app, current, metrics),
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
export function injectRoutes(app: FastifyInstance, settings: () => InjectSettings, metrics: Metrics): void {
  const requests = metrics.counter("sidecar_injection_requests_total", "Total number of sidecar injection requests.");
  const success = metrics.counter(
    "sidecar_injection_success_total",
    "Total number of successful sidecar injection requests.",
  );
  const failure = metrics.counter(
    "sidecar_injection_failure_total",
    "Total number of failed sidecar injection requests.",
  );
  const skip = metrics.counter("sidecar_injection_skip_total", "Total number of skipped sidecar injection requests.");
  app.get("/ready", (_request, reply) => reply.type("text/plain").send("ok\n"));
  for (const path of ["/inject", "/inject/*"])
    app.post(path, (request) => {
      requests.inc();
      const review = reviewPod(request.body, settings());
      if (!review.allowed) failure.inc();
      else if (review.patched) success.inc();
      else skip.inc();
      return review.body;
    });
}

interface Reviewed {
  readonly body: unknown;
  readonly allowed: boolean;
  readonly patched: boolean;
}

/** Answers one AdmissionReview with the patch of its pod. @param body the parsed request body */
export function reviewPod(body: unknown, { config, values, mesh }: InjectSettings): Reviewed {
  const review = (body ?? {}) as {
    apiVersion?: unknown;
    kind?: unknown;
    request?: { uid?: unknown; namespace?: unknown; object?: unknown };
  };
  const uid = typeof review.request?.uid === "string" ? { uid: review.request.uid } : {};
  const answer = (response: Record<string, unknown>, allowed: boolean, patched: boolean): Reviewed => ({
    body: {
      apiVersion: typeof review.apiVersion === "string" ? review.apiVersion : "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { ...uid, allowed, ...response },
    },
    allowed,
    patched,
  });
  const deny = (message: string): Reviewed =>
    answer({ status: { status: "Failure", code: 400, message } }, false, false);
  const pod = review.request?.object as Pod | undefined;
  if (review.kind !== "AdmissionReview" || pod === null || typeof pod !== "object")
    return deny("cannot decode the review: an AdmissionReview of a Pod is expected");
  const namespace =
    typeof review.request?.namespace === "string" && review.request.namespace
      ? review.request.namespace
      : (pod.metadata?.namespace ?? "default");
  const name = `${namespace}/${pod.metadata?.name ?? pod.metadata?.generateName ?? "(unnamed)"}`;
  try {
    const decision = decide(pod, namespace, config);
    if (!decision.inject) {
      log.info({ pod: name, reason: decision.reason }, "not injected");
      return answer({}, true, false);
    }
    const patch = injectionPatch(pod, namespace, config, values, mesh);
    log.info({ pod: name, reason: decision.reason }, "injected");
    return answer({ patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") }, true, true);
  } catch (error) {
    // A pod may hold anything in any place: whatever fails is a denial with a reason, never an error of the server.
    log.warn({ pod: name, err: error }, "injection failed");
    return deny(`injection failed: ${XebecError.from(error).message}`);
  }
}
