export { agentExtensions, pilotTarget } from "./agent-extensions.ts";
export { EXTENSION_TYPE, extensionService } from "./extension-service.ts";
export { type FetchOptions, fetchModule } from "./fetch-module.ts";
export { createModuleStore, type ModuleStore } from "./module-store.ts";
export { PilotStream, type PilotStreamOptions, type PilotUpdate } from "./pilot-stream.ts";
export { PluginExtensions } from "./plugin-extensions.ts";
export { PullSecrets } from "./pull-secrets.ts";
