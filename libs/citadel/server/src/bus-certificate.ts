import { createPublicKey } from "node:crypto";
import { backoff, sleep } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { generateKey, parseCertificate, privateKeyPem, publicKeyDer, readPrivateKey } from "@xebec/model-pki";
import { type NatsControlOptions, reloadServers } from "@xebec/platform-bus";
import { isNotFound, type KubeClient, type KubeObject, RESOURCES } from "@xebec/platform-kube";
import type { AuthoritySource } from "./authority-source.ts";
import { busServerNames, metadataOf } from "./bus-secrets.ts";

const log = logger("ca");
/** As the chart mounts it. */
const SECRET = "xebec-bus-tls";
const SHAPE = { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls" };
const RETRY = { baseMs: 500, maxMs: 15_000 };

export interface BusCertificateOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** The Deployment that the Secret goes with. */
  readonly owner: string;
  /** How many servers of the bus there are. */
  readonly servers: number;
  readonly source: AuthoritySource;
  /** By which the servers are asked to read a new certificate; absent: they find it themselves. */
  readonly control?: NatsControlOptions | undefined;
}

/**
 * Keeps the certificate of the bus' servers in the Secret `xebec-bus-tls` (`tls.crt`, `tls.key`, `ca.crt`). One replica does.
 *
 * | State | Leaves it |
 * |---|---|
 * | looking | the Secret holds a certificate of the authority that signs, for all servers, with all trusted roots, in the first half of its life; otherwise another one is made |
 * | handing over | every server that answers shows it: they are asked to read their files until they do. Connections stay |
 * | resting | half of its life is over, or the authority has changed |
 */
export function createBusCertificate(options: BusCertificateOptions): Component {
  return new BusCertificate(options);
}

interface Held {
  readonly notAfter: number;
  readonly renewAt: number;
}

class BusCertificate implements Component {
  readonly name = "certificate of the bus";
  readonly #options: BusCertificateOptions;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #unwatch: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: BusCertificateOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#unwatch = this.#options.source.onChange(() => this.#wake.abort());
    this.#running = this.#run(this.#stop.signal);
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const wake = AbortSignal.any([signal, this.#wake.signal]);
      try {
        const held = await this.#ensure(signal);
        failures = 0;
        await this.#handOver(held, wake);
        await sleep(Math.min(Math.max(held.renewAt - Date.now(), 1_000), 2 ** 31 - 1), wake);
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0) log.warn({ err: error }, "the certificate of the bus cannot be kept; trying again");
        await sleep(backoff(failures++, RETRY), signal);
      }
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
  }

  async #ensure(signal: AbortSignal): Promise<Held> {
    const { client, namespace, owner, source, servers } = this.#options;
    const found = await client.get(RESOURCES.secrets, { namespace, name: SECRET }, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const held = found && this.#heldIn(found);
    if (held) return held;
    const key = generateKey("P-256");
    const names = { dns: busServerNames(namespace, servers) };
    const { leaf, intermediates, roots } = source
      .authority()
      .issue({ names, publicKey: publicKeyDer(key), ttlMs: 0 }, Date.now());
    const texts = { "tls.crt": [leaf, ...intermediates].join(""), "tls.key": privateKeyPem(key), "ca.crt": roots };
    const data = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
    );
    const metadata = { ...(await metadataOf(client, namespace, owner)), name: SECRET };
    if (found) await client.patch(RESOURCES.secrets, { namespace, name: SECRET }, { data }, signal);
    // One that another replica has made meanwhile is looked at next.
    else await client.create(RESOURCES.secrets, { ...SHAPE, metadata, data }, signal);
    const { notAfter } = parseCertificate(leaf);
    log.info({ notAfter: new Date(notAfter).toISOString() }, "the servers of the bus have a new certificate");
    return { notAfter, renewAt: (Date.now() + notAfter) / 2 };
  }

  /** What a Secret holds; undefined when another certificate is due. */
  #heldIn({ data, metadata }: KubeObject): Held | undefined {
    const { namespace, servers, source } = this.#options;
    const text = (key: string): string =>
      Buffer.from((data as Record<string, string> | undefined)?.[key] ?? "", "base64").toString();
    try {
      const { state, roots } = source.authority();
      const { x509, notBefore, notAfter } = parseCertificate(text("tls.crt"), metadata.name);
      const signer = parseCertificate(state.active.certificate);
      const isFit =
        x509.verify(signer.x509.publicKey) &&
        x509.publicKey.equals(createPublicKey(readPrivateKey(text("tls.key"), metadata.name))) &&
        busServerNames(namespace, servers).every((each) => x509.checkHost(each)) &&
        text("ca.crt") === roots;
      const renewAt = (notBefore + notAfter) / 2;
      return isFit && Date.now() < renewAt ? { notAfter, renewAt } : undefined;
    } catch (error) {
      log.warn({ err: error, secret: metadata.name }, "the Secret holds no certificate; another one is made");
      return undefined;
    }
  }

  /** Mounted Secrets follow after a while; a server reads its files when it is asked to. */
  async #handOver({ notAfter, renewAt }: Held, signal: AbortSignal): Promise<void> {
    const { control } = this.#options;
    for (let attempt = 0; control && !signal.aborted && Date.now() < renewAt; attempt++) {
      try {
        const left = await reloadServers(control, notAfter);
        if (left.length === 0) {
          if (attempt > 0) log.info("every server of the bus shows its new certificate");
          return;
        }
        log.debug({ servers: left }, "servers of the bus have their earlier certificate");
      } catch (error) {
        log.debug({ err: error }, "the servers of the bus cannot be asked yet");
      }
      await sleep(backoff(attempt, RETRY), signal);
    }
  }
}
