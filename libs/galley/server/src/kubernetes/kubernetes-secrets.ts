import { isXebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { type SecretKind, type SecretRecord, secretKey, secretRecordOf } from "@xebec/model-pki";
import type { Resource } from "@xebec/model-resources";
import { type Bus, SecretPublisher } from "@xebec/platform-bus";
import { createReflector, type KubeClient, RESOURCES, type Reflector, type ReflectorTimes } from "@xebec/platform-kube";
import { credentialNamesOf } from "./credential-names.ts";

const log = logger("secrets");
/** Most Secrets and ConfigMaps that are followed: each is a watch of its own. */
const MAX_NAMES = 1_000;

export interface KubernetesSecretsOptions {
  readonly client: KubeClient;
  readonly bus: Bus;
  readonly times?: Partial<ReflectorTimes>;
}

/** Publishes the credentials that configuration names. */
export interface KubernetesSecrets extends Component {
  /** The configuration is this now. @param resources objects of all kinds */
  configured(resources: ReadonlyMap<string, Resource>): void;
}

interface Followed {
  readonly reflector: Reflector;
  /** By `secretKey`. */
  readonly records: Map<string, SecretRecord>;
}

/**
 * Publishes in the bucket `secrets` the certificates and keys of the Secrets, and the authorities of the ConfigMaps, that Gateways and
 * DestinationRules name. No other Secret is ever read: each name is a watch with that name only.
 */
export function createKubernetesSecrets(options: KubernetesSecretsOptions): KubernetesSecrets {
  return new NamedSecrets(options);
}

class NamedSecrets implements KubernetesSecrets {
  readonly name = "Secrets of Kubernetes";
  readonly #options: KubernetesSecretsOptions;
  readonly #publisher: SecretPublisher;
  /** By kind and name as the configuration has it: `Secret reviews-cert`, `Secret istio-system/x`. */
  readonly #followed = new Map<string, Followed>();
  readonly #stop = new AbortController();
  #signal: AbortSignal | undefined;
  /** Undefined before the configuration was read. */
  #names: readonly string[] | undefined;

  constructor(options: KubernetesSecretsOptions) {
    this.#options = options;
    this.#publisher = new SecretPublisher(options.bus, "kubernetes", () =>
      this.missing().length === 0 ? this.#all() : undefined,
    );
  }

  missing(): readonly string[] {
    if (!this.#names) return ["the configuration that names Secrets is not read yet"];
    return [
      ...[...this.#followed.values()].flatMap(({ reflector }) => reflector.missing()),
      ...this.#publisher.missing(),
    ];
  }

  configured(resources: ReadonlyMap<string, Resource>): void {
    const { secrets, configMaps } = credentialNamesOf(resources.values());
    const all = [
      ...[...secrets].map((each) => `Secret ${each}`),
      ...[...configMaps].map((each) => `ConfigMap ${each}`),
    ];
    if (all.length > MAX_NAMES)
      log.error({ names: all.length, most: MAX_NAMES }, "configuration names too many Secrets; some are left out");
    const names = all.sort().slice(0, MAX_NAMES);
    if (this.#names && names.join("\n") === this.#names.join("\n")) return;
    this.#names = names;
    this.#follow();
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#publisher.start(signal);
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#follow();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#followed.values()].map(({ reflector }) => reflector.close?.()));
    await this.#publisher.close();
  }

  #follow(): void {
    const signal = this.#signal;
    if (!signal || signal.aborted || !this.#names) return;
    const names = new Set(this.#names);
    for (const [each, { reflector }] of this.#followed)
      if (!names.has(each)) {
        this.#followed.delete(each);
        void reflector.close?.();
      }
    for (const each of names) if (!this.#followed.has(each)) this.#start(each, signal);
    void this.#publisher.request();
  }

  #start(each: string, signal: AbortSignal): void {
    const [kind, path = ""] = each.split(" ") as [SecretKind, string];
    const [name = "", namespace] = path.split("/").reverse();
    const records = new Map<string, SecretRecord>();
    const reflector = createReflector<SecretRecord>({
      client: this.#options.client,
      type: kind === "Secret" ? RESOURCES.secrets : RESOURCES.configMaps,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      ...(this.#options.times ? { times: this.#options.times } : {}),
      project({ metadata, ...object }) {
        try {
          return secretRecordOf(
            kind,
            { namespace: metadata.namespace ?? "", name: metadata.name },
            object as { readonly data?: unknown },
          );
        } catch (error) {
          if (!isXebecError(error)) throw error;
          log.error({ object: `${metadata.namespace}/${name}`, reason: error.message }, "a Secret is refused");
          return undefined;
        }
      },
      changed: ({ puts, deletes }) => {
        for (const key of deletes) records.delete(key);
        for (const [key, record] of puts) records.set(key, record);
        void this.#publisher.request();
      },
    });
    this.#followed.set(each, { reflector, records });
    void reflector.start(signal);
  }

  #all(): SecretRecord[] {
    // A Secret may be named with and without its namespace.
    const all = new Map<string, SecretRecord>();
    for (const { records } of this.#followed.values())
      for (const record of records.values()) all.set(secretKey(record), record);
    return [...all.values()];
  }
}
