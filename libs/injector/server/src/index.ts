export { InjectorConfig } from "./config.ts";
export { type InjectorParts, type InjectSettings, injectorComponents, injectRoutes, reviewPod } from "./injector.ts";
