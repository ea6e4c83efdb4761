export { PilotConfig } from "./config.ts";
export type { SyncStatus } from "./debug.ts";
export { type PilotParts, pilotComponents } from "./pilot.ts";
export { XdsServer } from "./xds-server.ts";
