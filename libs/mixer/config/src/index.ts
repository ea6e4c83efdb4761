export {
  type KnownHandler,
  type KnownInstance,
  type ResolvedAction,
  type RuleScope,
  resolveActions,
} from "./actions.ts";
export { type AdapterAddress, readAdapterAddress } from "./adapter-address.ts";
export { bindingText, OUTPUT_PREFIXES } from "./bindings.ts";
export { checkMixerObject, isRemote } from "./check.ts";
export { type Adapters, type CheckedHandlerObject, checkHandler, checkParams } from "./handler.ts";
export {
  declaredFailure,
  FAILURE_ANNOTATION,
  type FailureMode,
  type HandlerPolicy,
  handlerPolicyOf,
  TIMEOUT_ANNOTATION,
} from "./handler-policy.ts";
export { type CheckedParams, checkInstanceParams, type InstanceParts, instanceParts } from "./instance.ts";
export { Literal } from "./literal.ts";
export { type CheckedManifest, checkManifest, conflictText, type ManifestSpec } from "./manifest.ts";
export { MIXER_GROUP, type MixerObject, readSpec } from "./mixer-object.ts";
export {
  checkAdapterObject,
  checkConnection,
  checkRemoteHandler,
  checkRemoteInstance,
  checkTemplateObject,
  type RemoteAdapterInfo,
  type RemoteConfig,
} from "./remote.ts";
export { type ActionOutputs, type CheckedRuleObject, checkRule, type HeaderSpec } from "./rule.ts";
export { type MixerReason, type MixerViolation, placeInRule, withReason } from "./violation.ts";
