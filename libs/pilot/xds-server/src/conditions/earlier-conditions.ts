import { logger } from "@xebec/core-log";
import { statusKey } from "@xebec/model-resources";
import type { Bus, Subscription } from "@xebec/platform-bus";

const CONSUMER = "pilot";
const PREFIX = statusKey({ consumer: CONSUMER, object: "" });
const log = logger("status");

/** The conditions that the bus holds from before this process began. */
export class EarlierConditions {
  readonly #bus: Bus;
  readonly #known: () => void;
  readonly #objects = new Set<string>();
  #watch: Subscription | undefined;
  #isKnown = false;

  /** @param known called once they are known */
  constructor(bus: Bus, known: () => void) {
    this.#bus = bus;
    this.#known = known;
  }

  read(): void {
    this.#watch = this.#bus.bucket("status").watch({
      entry: (key, value) => {
        if (!key.startsWith(PREFIX)) return;
        const object = key.slice(PREFIX.length);
        if (value) this.#objects.add(object);
        else this.#objects.delete(object);
      },
      synced: () => {
        this.#isKnown = true;
        this.#known();
      },
    });
  }

  /** Deletes the conditions of objects that have none now. Once: this process deletes its own itself. */
  deleteAllBut(objects: ReadonlySet<string>): void {
    if (!this.#isKnown || !this.#watch) return;
    this.close();
    for (const object of this.#objects) {
      if (objects.has(object)) continue;
      this.#bus
        .bucket("status")
        .delete(statusKey({ consumer: CONSUMER, object }))
        .catch((error: unknown) => log.warn({ err: error, object }, "an old condition could not be deleted"));
    }
    this.#objects.clear();
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }
}
