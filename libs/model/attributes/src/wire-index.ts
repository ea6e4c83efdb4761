// What reads and writes wire formats. It has an entry of its own: who only checks expressions needs no protobuf descriptors.
export { CompressedBag, readDuration, readTimestamp } from "./compressed-bag.ts";
export { fieldNumbers, fieldTag, MAP_ENTRY } from "./field-numbers.ts";
export { type Reference, ReferenceTracker } from "./reference-tracker.ts";
export { checkWordCount, ReportReader } from "./report-reader.ts";
export { TRANSPORT, transportOf } from "./transport.ts";
export { asBuffer, checkEntries, MOST_ENTRIES, textAt, Wire } from "./wire.ts";
export { WireWriter } from "./wire-writer.ts";
