export { formatNanos } from "./format.ts";
export { parseDuration, parseNanos } from "./parse.ts";
