import { hash } from "node:crypto";
import { decodeResource, type Resource } from "@xebec/model-resources";
import { type Bus, createGenerationReader, type GenerationReader } from "@xebec/platform-bus";

/** What galley has published, for somebody who has just changed a file and waits for it. */
export interface PublishedConfig {
  /** False when it cannot be told: the bus is down, or the configuration stays in the memory of one process. */
  readonly known: boolean;
  /** A mark of what each object says, by `keyOf`. */
  readonly marks: Readonly<Record<string, string>>;
}

/** What an object says, in a few letters: equal for equal meaning, wherever the object stands and whenever it was made. */
export function meaningMark({ version, labels, annotations, spec }: Resource): string {
  return hash("sha1", JSON.stringify([version, labels ?? {}, annotations ?? {}, spec]), "hex");
}

/** Reads the published configuration from the first time on that somebody asks. */
export class PublishedConfigReader {
  readonly #marks = new Map<string, string>();
  #reader: GenerationReader | undefined;
  #starting: Promise<void> | undefined;

  /** @param bus undefined while it is not there yet */
  async read(bus: Bus | undefined, signal: AbortSignal): Promise<PublishedConfig> {
    if (!bus) return { known: false, marks: {} };
    this.#reader ??= createGenerationReader({
      bus,
      bucket: "config",
      apply: ({ puts, deletes }) => {
        for (const [key, bytes] of puts) this.#marks.set(key, meaningMark(decodeResource(bytes)));
        for (const key of deletes) this.#marks.delete(key);
      },
    });
    this.#starting ??= this.#reader.start(signal);
    await this.#starting;
    return { known: this.#reader.synced, marks: Object.fromEntries(this.#marks) };
  }

  async close(): Promise<void> {
    await this.#reader?.close?.();
  }
}
