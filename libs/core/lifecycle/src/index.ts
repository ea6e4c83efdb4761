export { afterStart } from "./after-start.ts";
export { deletionCollector } from "./collect.ts";
export { type Component, compose, missingOf } from "./component.ts";
export { EXIT_CONFIG, EXIT_FAILED_START } from "./failed-start.ts";
export { FOLLOW_PARENT } from "./follow-parent.ts";
export { runService, type ServiceOptions } from "./run-service.ts";
export { serviceMain } from "./service-main.ts";
