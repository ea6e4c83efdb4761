import { ReportRequest_RepeatedAttributesSemantics, ReportRequestSchema } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { XebecError } from "@xebec/core-errors";
import type { CompressedBag } from "./compressed-bag.ts";
import { GLOBAL_WORDS } from "./dictionary.ts";
import { fieldNumbers, fieldTag } from "./field-numbers.ts";
import { asBuffer, Wire } from "./wire.ts";

const INDEPENDENT = ReportRequest_RepeatedAttributesSemantics.INDEPENDENT_ENCODING;
const REPORT = fieldNumbers(ReportRequestSchema);
const ATTRIBUTES_TAG = fieldTag(REPORT.attributes, "lengthDelimited");
const DEFAULT_WORDS_TAG = fieldTag(REPORT.defaultWords, "lengthDelimited");
const WORD_COUNT_TAG = fieldTag(REPORT.globalWordCount, "varint");
const SEMANTICS_TAG = fieldTag(REPORT.repeatedAttributesSemantics, "varint");

/**
 * Reads the bags of an istio.mixer.v1.ReportRequest one after the other through one bag (docs/reference/mixer.md §2,
 * "Report delta semantics"): with delta encoding each element adds to those before it.
 */
export class ReportReader {
  readonly #bytes: Buffer;
  /** Start and end of each element, and of each word that they have in common. */
  readonly #elements: number[] = [];
  readonly #words: number[] = [];
  #independent = false;
  #next = 0;
  /** The errors of elements that were skipped; the others were all delivered. */
  readonly errors: Error[] = [];
  /** How many elements were delivered. */
  delivered = 0;

  /**
   * @param most elements that it may have: the others are not looked for
   * @throws XebecError resource_exhausted when there are more, internal when the caller knows more global words than there are, invalid_argument when the request
   * is not a protobuf
   */
  constructor(request: Uint8Array, most: number = Number.POSITIVE_INFINITY) {
    this.#bytes = asBuffer(request);
    const wire = new Wire(this.#bytes);
    while (wire.pos < wire.end) {
      const tag = wire.uint32();
      if (tag === ATTRIBUTES_TAG || tag === DEFAULT_WORDS_TAG) {
        const length = wire.length();
        (tag === ATTRIBUTES_TAG ? this.#elements : this.#words).push(wire.pos, wire.pos + length);
        if (this.#elements.length > 2 * most)
          throw new XebecError("resource_exhausted", `a Report may have ${most} elements, not more; send several`);
        wire.pos += length;
      } else if (tag === WORD_COUNT_TAG) checkWordCount(wire.uint32());
      else if (tag === SEMANTICS_TAG) this.#independent = wire.uint32() === INDEPENDENT;
      else wire.skip(tag & 7);
    }
  }

  /** How many elements there are. */
  get size(): number {
    return this.#elements.length / 2;
  }

  /**
   * Delivers elements until `each` wants no more for now; another call goes on after the last one. All calls need the same
   * bag, which nobody else uses meanwhile.
   * @param each is called with the bag filled with one element
   * @returns whether there are more
   */
  read(bag: CompressedBag, each: (bag: CompressedBag) => boolean): boolean {
    const elements = this.#elements;
    const bytes = this.#bytes;
    if (this.#next === 0) this.#begin(bag);
    while (this.#next < elements.length) {
      const at = this.#next;
      this.#next += 2;
      if (this.#independent && at > 0) bag.start(bytes);
      try {
        const strict = !this.#independent && at > 0;
        bag.read(elements[at] as number, elements[at + 1] as number, bag.sharedWords, strict);
      } catch (error) {
        this.errors.push(XebecError.from(error));
        continue;
      }
      this.delivered++;
      if (!each(bag)) return this.#next < elements.length;
    }
    return false;
  }

  #begin(bag: CompressedBag): void {
    const words = bag.sharedWords.reset(this.#bytes);
    for (let i = 0; i < this.#words.length; i += 2) words.add(this.#words[i] as number, this.#words[i + 1] as number);
    bag.start(this.#bytes);
  }
}

/** @throws XebecError internal when a caller knows more words of the global dictionary than there are */
export function checkWordCount(count: number): void {
  if (count > GLOBAL_WORDS.length)
    throw new XebecError(
      "internal",
      `inconsistent global dictionary versions used: mixer knows ${GLOBAL_WORDS.length} words, caller knows ${count}`,
    );
}
