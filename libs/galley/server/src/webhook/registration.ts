import { backoff, sleep } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import type { TlsSource } from "@xebec/platform-grpc";
import { isNotFound, type KubeClient, type KubeObject, RESOURCES, type ResourceType } from "@xebec/platform-kube";
import {
  createBundleKeeper,
  createConfigurationKeeper,
  createPublishedTls,
  rejectsThroughServer,
} from "@xebec/platform-webhook";
import {
  type ConfigurationOptions,
  isStrict,
  MIXER_WEBHOOK,
  PILOT_WEBHOOK,
  says,
  validatingConfiguration,
  type WebhookPlace,
} from "./configuration.ts";

const log = logger("webhook");
const PROBE = { baseMs: 100, maxMs: 60_000 };
const GATEWAY: ResourceType = { group: "networking.istio.io", version: "v1beta1", kind: "Gateway", plural: "gateways" };
const CLUSTER_ROLE: ResourceType = {
  ...{ group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole", plural: "clusterroles" },
  clusterScoped: true,
};
/** Istio's: whatever has it is refused, so that one can see whether the webhook is asked. */
const ALWAYS_REJECT = "internal.istio.io/webhook-always-reject";

export interface RegistrationOptions {
  readonly client: KubeClient;
  readonly tls: TlsSource;
  readonly metrics: Metrics;
  /** Of the ValidatingWebhookConfiguration. */
  readonly name: string;
  readonly namespace: string;
  readonly place: WebhookPlace;
  /** The ClusterRole that the configuration goes with. */
  readonly ownerRole: string;
}

/** Galley's webhooks at an API server: they are registered, trusted, and strict when they work. */
export interface Registration {
  readonly components: readonly Component[];
  /** What the webhook serves: a new root only when API servers have it. */
  readonly tls: TlsSource;
}

/**
 * Registers galley's webhooks and keeps the registration right.
 *
 * | State | failurePolicy | Leaves it |
 * |---|---|---|
 * | registered | Ignore | an API server refuses an object because the webhook does, or knows no Gateways |
 * | strict | Fail | somebody deletes the configuration; a galley that ends does not loosen it |
 */
export function registerWebhook(options: RegistrationOptions): Registration {
  const { client, tls, metrics, name } = options;
  const type = RESOURCES.validatingWebhooks;
  const counted = updateMetrics(metrics);
  let works = false;
  const keeper = createConfigurationKeeper({
    ...{ client, type, name, fieldManager: "xebec-galley" },
    async wanted(present) {
      if (!present) works = false;
      const owner = present?.metadata.ownerReferences ? undefined : await ownerOf(client, options.ownerRole);
      const configuration: ConfigurationOptions = {
        ...{ name, place: options.place },
        ...(owner ? { owner } : {}),
      };
      const wanted = validatingConfiguration(configuration, works || isStrict(present) ? "Fail" : "Ignore");
      const kept = present?.metadata.ownerReferences;
      const whole = kept ? { ...wanted, metadata: { ...wanted.metadata, ownerReferences: kept } } : wanted;
      if (!present) void probe.again();
      return says(present, whole) ? undefined : whole;
    },
    wrote: counted.wrote,
  });
  const bundle = createBundleKeeper({
    ...{ client, type, tls, metrics },
    owns: ({ metadata }, webhook) => metadata.name === name && (webhook === PILOT_WEBHOOK || webhook === MIXER_WEBHOOK),
  });
  const probe = new Probe(
    options,
    () => bundle.missing().length === 0,
    () => {
      works = true;
      keeper.look();
    },
  );
  const published = createPublishedTls(tls, bundle);
  return { components: [keeper, bundle, published, probe], tls: published };
}

/**
 * Asks until an API server refuses what the webhook refuses. Readiness does not wait for it: the API server reaches ready pods only, and
 * lets everything pass until then.
 */
class Probe implements Component {
  readonly name = "webhook probe";
  readonly #options: RegistrationOptions;
  readonly #isTrusted: () => boolean;
  readonly #worked: () => void;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #reported = "";

  constructor(options: RegistrationOptions, isTrusted: () => boolean, worked: () => void) {
    this.#options = options;
    this.#isTrusted = isTrusted;
    this.#worked = worked;
  }

  async start(): Promise<void> {
    this.again();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Asks from the beginning, since the configuration is new. */
  again(): void {
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
  }

  async #ask(): Promise<void> {
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      const { client, namespace } = this.#options;
      const { verdict, message } = await rejectsThroughServer(
        client,
        GATEWAY,
        invalidGateway(namespace),
        PILOT_WEBHOOK,
        this.#stop.signal,
      );
      if (verdict === "refused" || (verdict === "unknown type" && this.#isTrusted())) {
        log.info("the API server asks the webhook: what it cannot be asked about is refused from now on");
        this.#worked();
        return;
      }
      const why = verdict === "unknown type" ? "the caBundle is not written yet" : message;
      if (why !== this.#reported) log.info({ why }, "the API server does not ask the webhook yet");
      this.#reported = why;
      await sleep(backoff(attempt, PROBE), this.#stop.signal).catch(() => undefined);
    }
  }
}

/** A Gateway that its schema takes, so that it reaches the webhook, and that the webhook always refuses. */
function invalidGateway(namespace: string): KubeObject {
  return {
    apiVersion: `${GATEWAY.group}/${GATEWAY.version}`,
    kind: "Gateway",
    metadata: { name: "invalid-gateway", namespace, annotations: { [ALWAYS_REJECT]: "true" } },
    spec: {
      selector: { istio: "invalid-gateway" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["invalid.example"] }],
    },
  };
}

/** The role as an owner; undefined when there is none, or it may not be read: then the configuration stays when galley goes. */
async function ownerOf(client: KubeClient, name: string): Promise<ConfigurationOptions["owner"]> {
  try {
    const { metadata } = await client.get(CLUSTER_ROLE, { name });
    return metadata.uid
      ? { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name, uid: metadata.uid }
      : undefined;
  } catch (error) {
    if (!isNotFound(error))
      log.debug({ err: error, role: name }, "the owner of the webhook configuration cannot be read");
    return undefined;
  }
}

/** Istio's (docs/reference/platform.md §3.9). */
function updateMetrics(metrics: Metrics) {
  const updates = metrics.counter("galley_validation_config_updates", "k8s webhook configuration updates");
  const errors = metrics.counter("galley_validation_config_update_error", "k8s webhook configuration update error", [
    "reason",
  ]);
  return {
    wrote(error?: unknown): void {
      if (error === undefined) updates.inc();
      else errors.inc({ reason: (error as { code?: string }).code ?? "unknown" });
    },
  };
}
