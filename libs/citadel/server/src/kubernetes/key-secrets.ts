import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { CappedCounter } from "@xebec/core-metrics";
import { type Identity, spiffeId } from "@xebec/model-names";
import { generateKey, parseCertificate, privateKeyPem, publicKeyDer, type SubjectNames } from "@xebec/model-pki";
import {
  createReflector,
  isNotFound,
  type KubeClient,
  objectKey,
  RESOURCES,
  type Reflector,
} from "@xebec/platform-kube";
import type { AuthoritySource } from "../authority-source.ts";

const log = logger("ca");
const TYPE = "istio.io/key-and-cert";
const PREFIX = "istio.";
const ACCOUNT = "istio.io/service-account.name";
/** How often is looked for certificates that end, in milliseconds (docs/reference/platform.md §1.8). */
const RESYNC_MS = 60_000;
const RETRY = { baseMs: 500, maxMs: 10_000 };

export interface KeySecretsOptions {
  readonly client: KubeClient;
  readonly source: AuthoritySource;
  readonly trustDomain: string;
  /** Namespaces whose service accounts are served; empty: all. */
  readonly namespaces: readonly string[];
  /** Names besides the identity, for services of the control plane. */
  dnsNames(account: Identity): readonly string[];
  readonly ttlMs: number;
  /** A certificate is renewed when less than this share of its life is left, or less than the time. */
  readonly graceRatio: number;
  readonly graceMs: number;
  readonly counters: {
    readonly created: CappedCounter<never>;
    readonly deleted: CappedCounter<never>;
    readonly recreated: CappedCounter<never>;
  };
}

interface Found {
  readonly account: string;
  readonly leaf: string;
  readonly roots: string;
}

/** Keeps a Secret `istio.ACCOUNT` with key, certificate and roots for each service account, as Istio 1.1. One replica does so. */
export function createKeySecrets(options: KeySecretsOptions): Component {
  return new KeySecrets(options);
}

class KeySecrets implements Component {
  readonly name = "Secrets with keys";
  readonly #options: KeySecretsOptions;
  readonly #accounts = new Set<string>();
  /** By `<namespace>/<name>` of the Secret. */
  readonly #secrets = new Map<string, Found>();
  readonly #reflectors: readonly Reflector[];
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #unwatch: (() => void) | undefined;

  constructor(options: KeySecretsOptions) {
    this.#options = options;
    const { client, namespaces } = options;
    const isServed = (namespace: string | undefined): boolean =>
      namespaces.length === 0 || namespaces.includes(namespace ?? "");
    this.#reflectors = [
      createReflector<true>({
        ...{ client, type: RESOURCES.serviceAccounts },
        project: ({ metadata }) => (isServed(metadata.namespace) && !metadata.deletionTimestamp ? true : undefined),
        changed: ({ puts, deletes }) => {
          for (const key of deletes) this.#accounts.delete(key);
          for (const key of puts.keys()) this.#accounts.add(key);
          this.#wake.resolve();
        },
      }),
      createReflector<Found>({
        ...{ client, type: RESOURCES.secrets, fieldSelector: `type=${TYPE}` },
        project: (object) => {
          if (!isServed(object.metadata.namespace)) return undefined;
          const data = (object.data ?? {}) as Readonly<Record<string, string | undefined>>;
          const text = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString("utf8");
          return {
            account: `${object.metadata.namespace}/${object.metadata.annotations?.[ACCOUNT] ?? ""}`,
            ...{ leaf: text("cert-chain.pem"), roots: text("root-cert.pem") },
          };
        },
        changed: ({ puts, deletes }) => {
          for (const key of deletes) if (this.#secrets.delete(key)) this.#gone(key);
          for (const [key, found] of puts) this.#secrets.set(key, found);
          this.#wake.resolve();
        },
      }),
    ];
  }

  missing(): readonly string[] {
    return this.#reflectors.flatMap((each) => each.missing());
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#unwatch = this.#options.source.onChange(() => this.#wake.resolve());
    for (const each of this.#reflectors) await each.start(signal);
    this.#running = this.#run(AbortSignal.any([signal, this.#stop.signal]));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#unwatch?.();
    this.#wake.resolve();
    await Promise.all(this.#reflectors.map((each) => each.close?.()));
    await this.#running;
  }

  #gone(key: string): void {
    const [namespace = "", name = ""] = key.split("/");
    if (this.#accounts.has(`${namespace}/${name.slice(PREFIX.length)}`)) this.#options.counters.recreated.inc();
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      this.#wake = Promise.withResolvers<void>();
      const isWell = !this.#reflectors.every((each) => each.synced) || (await this.#reconcile(signal));
      failures = isWell ? 0 : failures + 1;
      const wait = sleep(isWell ? RESYNC_MS : backoff(failures, RETRY), signal);
      await (isWell ? Promise.race([wait, this.#wake.promise]) : wait);
    }
  }

  /** @returns false when something has to be tried again */
  async #reconcile(signal: AbortSignal): Promise<boolean> {
    let isWell = true;
    const attempt = async (what: string, key: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        isWell = false;
        log.warn({ err: error, secret: key }, `${what}; trying again: ${XebecError.from(error).message}`);
      }
    };
    for (const account of this.#accounts) {
      if (signal.aborted) return true;
      const [namespace = "", name = ""] = account.split("/");
      const key = `${namespace}/${PREFIX}${name}`;
      const found = this.#secrets.get(key);
      if (!found || this.#isDue(found))
        await attempt("a Secret with a key cannot be written", key, () =>
          this.#issue(namespace, name, found === undefined),
        );
    }
    for (const [key, { account }] of this.#secrets)
      if (!this.#accounts.has(account))
        await attempt("a Secret of a service account that is gone cannot be deleted", key, () => this.#delete(key));
    return isWell;
  }

  #isDue({ leaf, roots }: Found): boolean {
    const { source, graceRatio, graceMs } = this.#options;
    if (roots !== source.authority().roots) return true;
    try {
      const { notBefore, notAfter } = parseCertificate(leaf);
      return notAfter - Date.now() < Math.max(graceMs, graceRatio * (notAfter - notBefore));
    } catch {
      return true; // no certificate: another one is written
    }
  }

  async #issue(namespace: string, serviceAccount: string, isNew: boolean): Promise<void> {
    const { client, source, trustDomain, ttlMs, dnsNames, counters } = this.#options;
    const identity = { trustDomain, namespace, serviceAccount };
    const names: Partial<SubjectNames> = { uris: [spiffeId(identity)], dns: [...dnsNames(identity)] };
    const key = generateKey("RSA-2048");
    const { leaf, intermediates, roots } = source
      .authority()
      .issue({ names, publicKey: publicKeyDer(key), ttlMs }, Date.now());
    const data = {
      "cert-chain.pem": [leaf, ...intermediates].join(""),
      "key.pem": privateKeyPem(key),
      "root-cert.pem": roots,
    };
    const object = {
      ...{ apiVersion: "v1", kind: "Secret", type: TYPE },
      metadata: { namespace, name: `${PREFIX}${serviceAccount}`, annotations: { [ACCOUNT]: serviceAccount } },
      data: Object.fromEntries(
        Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
      ),
    };
    if (isNew) await client.create(RESOURCES.secrets, object, this.#stop.signal);
    else await client.replace(RESOURCES.secrets, object, this.#stop.signal);
    this.#secrets.set(objectKey(object), {
      account: `${namespace}/${serviceAccount}`,
      leaf: data["cert-chain.pem"],
      roots,
    });
    if (isNew) counters.created.inc();
  }

  async #delete(key: string): Promise<void> {
    const [namespace = "", name = ""] = key.split("/");
    await this.#options.client
      .delete(RESOURCES.secrets, { namespace, name }, this.#stop.signal)
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    this.#secrets.delete(key);
    this.#options.counters.deleted.inc();
  }
}
