import { randomUUID } from "node:crypto";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { SUBJECTS } from "@xebec/model-bus";
import type { Bus, KeyValueWatch, Subscription } from "@xebec/platform-bus";
import { REPLICAS, replicaKey, replicaOfKey } from "./records.ts";

const log = logger("replicas");
/** How often a copy says that it is there. */
const BEAT_MS = 5_000;
/** A copy that was not heard for so long is gone. */
const GONE_MS = 15_000;
/** So long a bus that has no bucket of replicas is waited for, as one of the release before. */
const UNKNOWN_MS = 10_000;
const MAX_NAME = 253;
const MOST = 100;

export interface ReplicasOptions {
  readonly bus: Bus;
  /** The name of this copy: the same after a restart, and no other copy's. */
  readonly id: string;
  readonly beatMs?: number;
  readonly goneMs?: number;
}

/**
 * The copies of pilot on a bus. Each is noted in the bucket `replicas` and heard some seconds apart. A copy that ends says so; one that is not
 * heard any more is gone. The first one by its name writes for all of them. While the bus is away nobody is taken for gone.
 */
export class Replicas implements Component {
  readonly name = "replicas";
  readonly id: string;
  readonly #bus: Bus;
  readonly #beatMs: number;
  readonly #goneMs: number;
  /** Tells this process from another one of the same name. */
  readonly #instance = randomUUID();
  /** When each other copy was heard last, by name. */
  readonly #heard = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #isSynced = false;
  #startedAt = Number.POSITIVE_INFINITY;
  #beatAt = 0;
  #saidConflict = false;
  #watch: KeyValueWatch | undefined;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #leads = false;

  constructor({ bus, id, beatMs = BEAT_MS, goneMs = GONE_MS }: ReplicasOptions) {
    this.#bus = bus;
    this.id = id.slice(0, MAX_NAME);
    this.#beatMs = beatMs;
    this.#goneMs = goneMs;
  }

  /** The other copies that run. */
  get others(): readonly string[] {
    return [...this.#heard.keys()];
  }

  /** True when this copy writes what all of them say together. False while it is not known who else there is. */
  get isLeader(): boolean {
    const isKnown = this.#isSynced || performance.now() - this.#startedAt > UNKNOWN_MS;
    return isKnown && this.others.every((each) => this.id < each);
  }

  isAlive(id: string): boolean {
    return id === this.id || this.#heard.has(id);
  }

  /** Calls back when a copy has come or gone, or this one leads or does not any more. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async start(): Promise<void> {
    this.#startedAt = performance.now();
    const bucket = this.#bus.bucket(REPLICAS);
    this.#watch = bucket.watch({
      entry: (key, value) => {
        const id = replicaOfKey(key);
        if (id === undefined || id === this.id) return;
        // That it was noted does not say that it still runs: it has as long as any other to be heard.
        if (!value) this.#gone(id, "has ended");
        else if (!this.#heard.has(id)) this.#hear(id);
      },
      synced: () => {
        this.#isSynced = true;
        this.#changed();
      },
    });
    this.#subscription = this.#bus.subscribe(SUBJECTS.alive, (data) => this.#message(Buffer.from(data).toString()));
    this.#note();
    this.#beat();
    this.#timer = setInterval(() => this.#beat(), this.#beatMs).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#watch?.close();
    this.#subscription?.close();
    this.#listeners.clear();
    // Best effort: the others find out by themselves.
    if (this.#bus.connected)
      await Promise.race([
        this.#bus
          .bucket(REPLICAS)
          .delete(replicaKey(this.id))
          .catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, 500).unref()),
      ]);
  }

  #note(): void {
    const value = Buffer.from(JSON.stringify({ since: new Date().toISOString() }));
    this.#bus
      .bucket(REPLICAS)
      .put(replicaKey(this.id), value)
      .catch((error: unknown) => log.warn({ err: error }, "this copy of pilot could not be noted on the bus"));
  }

  #beat(): void {
    const now = performance.now();
    // What was not heard while nobody could be heard says nothing.
    if (!this.#bus.connected || now - this.#beatAt > this.#goneMs)
      for (const id of this.#heard.keys()) this.#heard.set(id, now);
    this.#beatAt = now;
    if (this.#bus.connected) this.#bus.publish(SUBJECTS.alive, Buffer.from(`${this.#instance} ${this.id}`));
    for (const [id, at] of this.#heard) if (now - at > this.#goneMs) this.#gone(id, "is not heard any more");
    // It may lead because nobody has told it of any other.
    if (this.isLeader !== this.#leads) this.#changed();
  }

  #message(text: string): void {
    const space = text.indexOf(" ");
    const [instance, id] = [text.slice(0, space), text.slice(space + 1, space + 1 + MAX_NAME)];
    if (instance === this.#instance || id === "") return;
    if (id !== this.id) {
      this.#hear(id);
      return;
    }
    if (!this.#saidConflict)
      log.error({ replica: id }, "another pilot has this one's name; give each a --replica of its own");
    this.#saidConflict = true;
  }

  #hear(id: string): void {
    const isNew = !this.#heard.has(id);
    if (isNew && this.#heard.size >= MOST) return;
    this.#heard.set(id, performance.now());
    if (!isNew) return;
    log.info({ replica: id }, "another copy of pilot is there");
    this.#changed();
  }

  #gone(id: string, how: string): void {
    if (!this.#heard.delete(id)) return;
    log.info({ replica: id }, `another copy of pilot ${how}`);
    this.#changed();
  }

  #changed(): void {
    this.#leads = this.isLeader;
    for (const each of this.#listeners) each();
  }
}
