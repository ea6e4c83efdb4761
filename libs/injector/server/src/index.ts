export { hasCluster, InjectorConfig } from "./config.ts";
export { type InjectorParts, injectorComponents, injectRoutes } from "./injector.ts";
export { type Reviewed, reviewPod } from "./review.ts";
export { createSettings, type SettingsOptions } from "./settings.ts";
