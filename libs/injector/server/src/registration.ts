import type { Component } from "@xebec/core-lifecycle";
import type { Metrics } from "@xebec/core-metrics";
import type { TlsSource } from "@xebec/platform-grpc";
import { type KubeClient, RESOURCES } from "@xebec/platform-kube";
import { createBundleKeeper, createPublishedTls } from "@xebec/platform-webhook";

/** The label by which configurations belong to a revision; those of tags have it, too. */
const REVISION = "istio.io/rev";

export interface RegistrationOptions {
  readonly client: KubeClient;
  readonly tls: TlsSource;
  readonly metrics: Metrics;
  /** Of the MutatingWebhookConfiguration that an installation without revisions has. */
  readonly configuration: string;
  /** What the names of this service's webhooks end with. */
  readonly webhook: string;
  readonly revision: string;
}

/**
 * Keeps the `caBundle` of the injector's webhooks right: of the configuration that is named, and of all that have the label of its
 * revision. Who has installed them owns everything else (docs/reference/platform.md §4.1).
 */
export function registerInjector(options: RegistrationOptions): {
  readonly components: readonly Component[];
  readonly tls: TlsSource;
} {
  const { client, tls, metrics, configuration, webhook } = options;
  const revision = options.revision || "default";
  const keeper = createBundleKeeper({
    ...{ client, tls, metrics, type: RESOURCES.mutatingWebhooks },
    owns: ({ metadata: { name, labels = {} } }, hook) =>
      hook.endsWith(webhook) &&
      (labels[REVISION] === undefined ? name === configuration : labels[REVISION] === revision),
  });
  const published = createPublishedTls(tls, keeper);
  return { components: [keeper, published], tls: published };
}
