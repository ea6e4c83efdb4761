export { AttributeBag, type Derive, MutableBag } from "./bag.ts";
export { CompressedBag, readDuration, readTimestamp } from "./compressed-bag.ts";
export { GLOBAL_WORDS, globalIndex } from "./dictionary.ts";
export { formatGoDuration, parseGoDuration } from "./duration.ts";
export { formatIp, parseIp, sameIp } from "./ip.ts";
export { Layout } from "./layout.ts";
export { type Reference, ReferenceTracker } from "./reference-tracker.ts";
export { formatDouble, renderValue } from "./render.ts";
export { checkWordCount, ReportReader } from "./report-reader.ts";
export { STANDARD_ATTRIBUTES } from "./standard.ts";
export { formatTimestamp, parseTimestamp } from "./timestamp.ts";
export {
  type AttributeValue,
  addInt64,
  compareTimestamps,
  EMPTY_STRING_MAP,
  type Int64,
  int64,
  type StringMap,
  stringMap,
  type Timestamp,
} from "./value.ts";
export { TRANSPORT, transportOf, VALUE_TYPES, type ValueType, valueTypeOf } from "./value-type.ts";
export { createVocabulary, type Vocabulary, type VocabularyConflict } from "./vocabulary.ts";
// What only the readers of other wire formats need:
export { asBuffer, textAt, Wire } from "./wire.ts";
export { WireWriter } from "./wire-writer.ts";
