export { type AuditedPod, auditPod, explainInjection, type Finding } from "./audit.ts";
export { type InjectContext, type InjectOptions, injectContext } from "./context.ts";
export { type Decision, type DecisionStep, decide, decisionSteps, INJECT, NEVER_INJECTED } from "./decide.ts";
export { STATUS } from "./earlier-injection.ts";
export {
  effectiveProxyConfig,
  type MeshProxyConfigs,
  NO_PROXY_CONFIGS,
  type ProxyConfigObject,
} from "./effective-proxy-config.ts";
export { type InjectedPod, injectionPatch, injectionWarnings, injectPod, TEMPLATES } from "./inject.ts";
export { type InjectConfig, parseInjectConfig } from "./inject-config.ts";
export { applyPatch, type PatchOperation } from "./json-patch.ts";
export { type Container, type Pod, PROXY, type Workload, workloadOf } from "./pod.ts";
export { type Selector, selectorFits } from "./selector.ts";
export { DEFAULT_VALUES, type InjectValues, readValues, withDefaults } from "./values.ts";
export { type PodWebhook, podWebhooksOf, refusalOf } from "./webhooks.ts";
export { type InjectedObject, injectObject } from "./workload-objects.ts";
