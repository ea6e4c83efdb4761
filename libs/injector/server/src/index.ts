export { InjectorConfig } from "./config.ts";
export { type InjectorParts, injectorComponents, injectRoutes, reviewPod } from "./injector.ts";
export { createSettings, type InjectSettings } from "./settings.ts";
