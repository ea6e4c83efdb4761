import { XebecError } from "@xebec/core-errors";
import type { CompressedBag } from "./compressed-bag.ts";
import { GLOBAL_WORDS } from "./dictionary.ts";
import { asBuffer, Wire } from "./wire.ts";

/**
 * Reads the bags of an istio.mixer.v1.ReportRequest one after the other through one bag (spec mixer §2, "Report delta
 * semantics"): with delta encoding each element adds to those before it.
 * @param each is called with the bag filled with one element
 * @returns the faults of elements that were skipped; the others were all delivered
 * @throws XebecError internal when the caller knows more global words than there are, invalid_argument when the request
 * is no protobuf
 */
export function readReport(request: Uint8Array, bag: CompressedBag, each: (bag: CompressedBag) => void): Error[] {
  const bytes = asBuffer(request);
  const wire = new Wire(bytes);
  const words = bag.sharedWords.reset(bytes);
  const elements: number[] = [];
  let independent = false;
  while (wire.pos < wire.end) {
    const tag = wire.uint32();
    if (tag === 10) {
      const length = wire.length();
      elements.push(wire.pos, wire.pos + length);
      wire.pos += length;
    } else if (tag === 18) {
      const length = wire.length();
      words.add(wire.pos, wire.pos + length);
      wire.pos += length;
    } else if (tag === 24) checkWordCount(wire.uint32());
    else if (tag === 32) independent = wire.uint32() === 1;
    else wire.skip(tag & 7);
  }
  const faults: Error[] = [];
  bag.start(bytes);
  for (let i = 0; i < elements.length; i += 2) {
    if (independent && i > 0) bag.start(bytes);
    try {
      bag.read(elements[i] as number, elements[i + 1] as number, words, !independent && i > 0);
    } catch (error) {
      faults.push(XebecError.from(error));
      continue;
    }
    each(bag);
  }
  return faults;
}

/** @throws XebecError internal when a caller knows more words of the global dictionary than there are */
export function checkWordCount(count: number): void {
  if (count > GLOBAL_WORDS.length)
    throw new XebecError(
      "internal",
      `inconsistent global dictionary versions used: mixer knows ${GLOBAL_WORDS.length} words, caller knows ${count}`,
    );
}
