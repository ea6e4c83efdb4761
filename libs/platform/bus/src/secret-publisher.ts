import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { encodeSecretRecord, type SecretRecord, secretKey } from "@xebec/model-pki";
import type { Bus } from "./bus.ts";
import { createRevisionWriter, type RevisionWriter } from "./revision-writer.ts";

const log = logger("secrets");
/** Most Secrets with credentials of one source. */
const MAX_SECRETS = 1_000;

/** Keeps the bucket `secrets` equal to what one source of manifests has. */
export class SecretPublisher {
  readonly #writer: RevisionWriter;
  readonly #secrets: () => Iterable<SecretRecord> | undefined;
  readonly #publish = new Coalescer(() => this.#publishAll());
  #published: string | undefined;

  /**
   * @param source its name on the bus
   * @param secrets gives all that there is; undefined while something is still to be read
   */
  constructor(bus: Bus, source: string, secrets: () => Iterable<SecretRecord> | undefined) {
    this.#writer = createRevisionWriter({ bus, bucket: "secrets", source });
    this.#secrets = secrets;
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#writer.start(signal);
  }

  missing(): readonly string[] {
    return this.#writer.missing?.() ?? [];
  }

  /** Something may have changed. @returns when what there is now has been published, or could not be */
  request(): Promise<void> {
    return this.#publish.request();
  }

  async close(): Promise<void> {
    await this.#writer.close?.();
  }

  async #publishAll(): Promise<void> {
    const found = this.#secrets();
    if (!found) return;
    const all = new Map([...found].map((each) => [secretKey(each), encodeSecretRecord(each)]));
    const kept = new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MAX_SECRETS));
    if (kept.size < all.size)
      log.error(
        { secrets: all.size, most: MAX_SECRETS },
        "there are too many Secrets with certificates; some are left out",
      );
    const text = [...kept].map(([key, bytes]) => `${key}=${Buffer.from(bytes).toString("latin1")}`).join("\n");
    if (text === this.#published) return;
    try {
      await this.#writer.replace(kept);
      this.#published = text;
    } catch (error) {
      log.error({ err: error }, "Secrets could not be published");
    }
  }
}
