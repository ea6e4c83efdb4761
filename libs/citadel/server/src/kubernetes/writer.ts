import { hostname } from "node:os";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import type { Metrics } from "@xebec/core-metrics";
import type { NatsControlOptions } from "@xebec/platform-bus";
import { createLeaderElection, type KubeClient } from "@xebec/platform-kube";
import type { AuthoritySource } from "../authority-source.ts";
import { createBusCertificate } from "../bus-certificate.ts";
import { type CitadelFlags, durationMs } from "../config.ts";
import { serviceNames } from "../granted-names.ts";
import { createKeySecrets, type KeySecretsOptions } from "./key-secrets.ts";
import { createRootPublisher } from "./root-publisher.ts";

/** The Deployment of the chart, which everything goes with that citadel makes for the bus. */
export const OWNER = "istio-citadel";
/** The Lease of the replica that writes. */
export const CITADEL_LEASE = "istio-citadel-leader";

export interface WriterParts {
  readonly client: KubeClient;
  readonly config: CitadelFlags;
  readonly source: AuthoritySource;
  readonly metrics: Metrics;
  readonly busControl?: NatsControlOptions | undefined;
}

/**
 * What citadel writes in a cluster: the roots in every namespace, and Secrets with keys where that is wanted. One replica does.
 * @throws XebecError invalid_argument for flags that cannot be read
 */
export function kubernetesWriter({ client, config, source, metrics, busControl }: WriterParts): Component {
  const namespace = config["citadel-storage-namespace"];
  const secrets = config["server-only"] ? undefined : keySecretsOptions({ client, config, source, metrics });
  return createLeaderElection({
    ...{ client, namespace, lease: CITADEL_LEASE, identity: `${hostname()}_${process.pid}` },
    lead: () => [
      createRootPublisher({
        ...{
          client,
          namespace,
          roots: () => source.authority().roots,
          onChange: (changed) => source.onChange(changed),
        },
      }),
      ...(secrets ? [createKeySecrets(secrets)] : []),
      ...(config["bus-secrets"] && config["bus-tls"]
        ? [
            createBusCertificate({
              ...{ client, namespace, source, owner: OWNER, servers: config.busReplicas, control: busControl },
            }),
          ]
        : []),
    ],
  });
}

function keySecretsOptions({ client, config, source, metrics }: WriterParts): KeySecretsOptions {
  const home = config["citadel-storage-namespace"];
  const graceRatio = config["workload-cert-grace-period-ratio"];
  if (!(graceRatio >= 0 && graceRatio <= 1))
    throw new XebecError(
      "invalid_argument",
      `--workload-cert-grace-period-ratio: ${graceRatio} is not between 0 and 1`,
    );
  const count = (name: string, help: string) => metrics.counter(`citadel_secret_controller_${name}`, help);
  return {
    ...{ client, source, graceRatio, trustDomain: config["trust-domain"], namespaces: config["listened-namespaces"] },
    dnsNames: (account) => serviceNames(account, home),
    ttlMs: durationMs(config["workload-cert-ttl"], "workload-cert-ttl"),
    graceMs: durationMs(config["workload-cert-min-grace-period"], "workload-cert-min-grace-period"),
    counters: {
      created: count("svc_acc_created_cert_count", "Secrets made for service accounts."),
      deleted: count("svc_acc_deleted_cert_count", "Secrets deleted with their service accounts."),
      recreated: count("secret_deleted_cert_count", "Secrets made again after somebody had deleted them."),
    },
  };
}
