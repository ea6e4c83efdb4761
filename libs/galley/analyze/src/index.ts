export { type AnalyzeOptions, analyze, isWanted, messageOf, resourceName } from "./analyze.ts";
export type { Analyzer } from "./analyzer.ts";
export { ANALYZERS } from "./analyzers/registry.ts";
export {
  documentationUrl,
  isAtLeast,
  LEVELS,
  type Level,
  MESSAGE_TYPES,
  type Message,
  type MessageName,
} from "./message.ts";
export { type AnalyzedObject, type Fields, fields, items, text, textMap } from "./object.ts";
