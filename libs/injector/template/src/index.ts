export { type Decision, decide } from "./decide.ts";
export { DEFAULT_TEMPLATE } from "./default-template.ts";
export {
  effectiveProxyConfig,
  type MeshProxyConfigs,
  NO_PROXY_CONFIGS,
  type ProxyConfigObject,
} from "./effective-proxy-config.ts";
export { injectionPatch } from "./inject.ts";
export { type InjectConfig, parseInjectConfig, type Selector } from "./inject-config.ts";
export type { PatchOperation } from "./json-patch.ts";
export { type Container, type Pod, workloadOf } from "./pod.ts";
export { DEFAULT_VALUES, type InjectValues } from "./values.ts";
