export { capture, EXIT_NOT_CAPTURED } from "./capture.ts";
export { CaptureConfig, type CaptureOptions } from "./config.ts";
export { captureRules, type Rule, restoreInput } from "./rules.ts";
