// The Envoy v3 API. Messages are imported by their proto path, e.g. `@xebec/api-envoy/envoy/config/listener/v3/listener`;
// this module holds the thin helpers that all users of the API share.
export { anyOf, bytesAny } from "./any.ts";
export { durationOf } from "./duration.ts";
export { mergedAny, mergedMessage } from "./merge.ts";
export { EnvoyJsonError, readEnvoyJson } from "./read-json.ts";
export { loadWholeApi, wholeApi } from "./whole.ts";
