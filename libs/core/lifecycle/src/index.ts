export { type Component, compose, missingOf } from "./component.ts";
export { keepCompiled } from "./keep-compiled.ts";
export { EXIT_CONFIG, EXIT_FAILED_START, runService, type ServiceOptions } from "./run-service.ts";
