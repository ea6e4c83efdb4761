// Writes what clients send. For tests: the mesh only reads it.
import { globalIndex } from "./dictionary.ts";
import { TRANSPORT, transportOf } from "./transport.ts";
import type { AttributeValue, Int64, StringMap, Timestamp } from "./value.ts";
import type { ValueType } from "./value-type.ts";
import { WireWriter } from "./wire-writer.ts";

/** An attribute with its type, as a client sends it. */
export interface TypedAttribute {
  readonly name: string;
  readonly type: ValueType;
  readonly value: AttributeValue;
}

/** The words of one message while it is written. */
export class MessageDictionaryWriter {
  readonly words: string[] = [];
  readonly #globalWords: number;

  /** @param globalWords how many words of the global dictionary to use */
  constructor(globalWords: number) {
    this.#globalWords = globalWords;
  }

  index(word: string): number {
    const global = globalIndex(word);
    if (global >= 0 && global < this.#globalWords) return global;
    const at = this.words.indexOf(word);
    return at >= 0 ? -at - 1 : -this.words.push(word);
  }
}

/** Encodes attributes as istio.mixer.v1.CompressedAttributes with words of its own. */
export function compressAttributes(attributes: readonly TypedAttribute[], globalWords = 0): Buffer {
  const words = new MessageDictionaryWriter(globalWords);
  const maps = compressWith(words, attributes);
  const writer = new WireWriter();
  for (const word of words.words) writer.text(1, word);
  return Buffer.concat([writer.finish(), maps]);
}

/** Encodes the maps of CompressedAttributes only; the words are collected for the whole message. */
export function compressWith(words: MessageDictionaryWriter, attributes: readonly TypedAttribute[]): Buffer {
  const writer = new WireWriter();
  for (const { name, type, value } of attributes) {
    const field = transportOf(type);
    writer.message(field, () => {
      writer.sint32(1, words.index(name));
      if (field === TRANSPORT.STRINGS) writer.sint32(2, words.index(value as string));
      else if (field === TRANSPORT.INT64S) writer.int64(2, value as Int64);
      else if (field === TRANSPORT.DOUBLES) writer.double(2, value as number);
      else if (field === TRANSPORT.BOOLS) writer.bool(2, value as boolean);
      else if (field === TRANSPORT.DURATIONS) writer.duration(2, value as Int64);
      else if (field === TRANSPORT.BYTES) writer.data(2, value as Uint8Array);
      else if (field === TRANSPORT.TIMESTAMPS) {
        const { seconds, nanos } = value as Timestamp;
        writer.secondsNanos(2, seconds, nanos);
      } else
        writer.message(2, () => {
          for (const [key, text] of (value as StringMap).entries())
            writer.message(1, () => writer.sint32(1, words.index(key)).sint32(2, words.index(text)));
        });
    });
  }
  return writer.finish();
}
