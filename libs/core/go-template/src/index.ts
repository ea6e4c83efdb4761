export type { Output } from "./frame.ts";
export type { Delimiters } from "./lexer.ts";
export type { Functions } from "./pipeline.ts";
export { SPRIG } from "./sprig/index.ts";
export { Template, type TemplateOptions } from "./template.ts";
export { TemplateError } from "./template-error.ts";
export { type Fields, isFields, isTrue, Markup, sortedKeys, textOf } from "./values.ts";
