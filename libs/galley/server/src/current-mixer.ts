import { type MixerContext, mixerContextOf, STANDARD_CONTEXT } from "@xebec/galley-validate";
import type { Vocabulary } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";

/** The API group of Mixer's objects. */
const MIXER_GROUP = "config.istio.io";

/** What objects of Mixer's are checked against: the attributes, handlers and instances that are there now. */
export class CurrentMixer {
  #context = STANDARD_CONTEXT;
  /** False until everything was read once: then there is nothing that Mixer's objects could be missing. */
  #isRead = false;
  #attributes = attributesText(STANDARD_CONTEXT.vocabulary);

  get context(): MixerContext {
    return this.#context;
  }

  /**
   * Takes Mixer's objects among all over.
   * @param changed the keys of those that are others than before
   * @returns true when attributes changed: then objects may be valid that were not
   */
  update(resources: Iterable<Resource>, changed: Iterable<string>): boolean {
    if (this.#isRead && ![...changed].some((key) => key.startsWith(MIXER_GROUP))) return false;
    this.#isRead = true;
    this.#context = mixerContextOf(resources);
    const text = attributesText(this.#context.vocabulary);
    if (text === this.#attributes) return false;
    this.#attributes = text;
    return true;
  }
}

function attributesText(vocabulary: Vocabulary): string {
  return JSON.stringify([...vocabulary.names()].map((name) => [name, vocabulary.typeOf(name)]));
}

/** Says whether a file may hold objects whose validity depends on the attributes that there are. */
export function mayHoldRules(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(MIXER_GROUP);
}
