export { checkPilotConfig, PilotConfig } from "./config.ts";
export { configDump } from "./debug/config-dump.ts";
export type { SyncStatus } from "./debug/sync-status.ts";
export { createKeySets } from "./key-sets/key-sets.ts";
export { type PilotParts, pilotComponents, TODAYS_NAMES } from "./pilot.ts";
export { Registrations } from "./registration/registrations.ts";
export type { NackReport } from "./server/nacks.ts";
export type { SecretAuthorizer } from "./server/secret-access.ts";
export { XdsServer } from "./server/xds-server.ts";
