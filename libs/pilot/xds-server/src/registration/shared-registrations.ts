import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Bus, KeyValueWatch } from "@xebec/platform-bus";
import {
  decodeWorkload,
  encodeWorkload,
  REPLICAS,
  type RegisteredWorkload,
  workloadKey,
  workloadOfKey,
} from "../replicas/records.ts";
import type { Replicas } from "../replicas/replicas.ts";

const log = logger("registration");
/** Most workloads of all copies together. */
const MOST = 20_000;

/** What copies of pilot know of each other's registered workloads. */
export interface SharedRegistrations {
  /** The name of this copy. */
  readonly replica: string;
  /** The last word of the bus, by the key of the WorkloadEntry. */
  readonly known: ReadonlyMap<string, RegisteredWorkload>;
  put(key: string, workload: RegisteredWorkload): void;
  delete(key: string): void;
  /** True while a copy runs. */
  isAlive(replica: string): boolean;
}

/** What happens to them. */
export interface SharedListener {
  /** The bus has another word of a workload. */
  changed(key: string): void;
  /** Everything that the bus held was read, or a copy has come or gone. */
  reviewed(): void;
}

/** Registered workloads in the bucket `replicas` of the bus. */
export class BusRegistrations implements SharedRegistrations, Component {
  readonly name = "registrations";
  readonly replica: string;
  readonly known = new Map<string, RegisteredWorkload>();
  readonly #bus: Bus;
  readonly #replicas: Replicas;
  readonly #listener: () => SharedListener;
  #watch: KeyValueWatch | undefined;

  constructor(bus: Bus, replicas: Replicas, listener: () => SharedListener) {
    this.replica = replicas.id;
    this.#bus = bus;
    this.#replicas = replicas;
    this.#listener = listener;
  }

  async start(): Promise<void> {
    this.#watch = this.#bus.bucket(REPLICAS).watch({
      entry: (name, value) => {
        const key = workloadOfKey(name);
        if (key === undefined) return;
        const workload = value && decodeWorkload(key, value);
        if (value && !workload) log.warn({ key }, "what the bus has of a registered workload cannot be read");
        if (!workload) this.known.delete(key);
        else if (this.known.size < MOST || this.known.has(key)) this.known.set(key, workload);
        this.#listener().changed(key);
      },
      synced: () => this.#listener().reviewed(),
    });
    this.#replicas.onChange(() => this.#listener().reviewed());
  }

  async close(): Promise<void> {
    this.#watch?.close();
  }

  isAlive(replica: string): boolean {
    return this.#replicas.isAlive(replica);
  }

  put(key: string, workload: RegisteredWorkload): void {
    this.#done(this.#bus.bucket(REPLICAS).put(workloadKey(key), encodeWorkload(workload)));
  }

  delete(key: string): void {
    this.#done(this.#bus.bucket(REPLICAS).delete(workloadKey(key)));
  }

  #done(writing: Promise<void>): void {
    writing.catch((error: unknown) =>
      log.warn({ err: error }, "a workload that registered itself could not be made known to other copies of pilot"),
    );
  }
}
