export { AttributeBag, type Derive, MutableBag } from "./bag.ts";
export { GLOBAL_WORDS, globalIndex } from "./dictionary.ts";
export { formatGoDuration, parseGoDuration } from "./duration.ts";
export { formatIp, parseIp, sameIp } from "./ip.ts";
export { attributeFromJson, attributeToJson } from "./json.ts";
export { Layout } from "./layout.ts";
export { formatDouble, renderValue } from "./render.ts";
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
export { VALUE_TYPES, type ValueType, valueTypeOf } from "./value-type.ts";
export { createVocabulary, type Vocabulary, type VocabularyConflict } from "./vocabulary.ts";
