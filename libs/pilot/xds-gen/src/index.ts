export { decoded, wholeApi } from "./encode/decoded.ts";
export { contentHash, type EncodedResource, isSplitVersion, type ResourcePart } from "./encode/encoded.ts";
export { isUnpatched, unpatched } from "./encode/unpatched.ts";
export { Generator } from "./engine/generator.ts";
export { typesOf } from "./engine/grpc-types.ts";
export type { NameSet } from "./engine/names.ts";
export { diffOf, EMPTY_SET, type ResourceDiff, type ResourceSet, resourceSet } from "./engine/resource-set.ts";
export type { ResourceRequest, ResourceType } from "./engine/resource-type.ts";
export {
  RESOURCE_TYPES,
  resourceType,
  type ServedType,
  SHORT_NAME,
  TYPE_URL,
  typeOfUrl,
  type XdsType,
} from "./engine/resource-types.ts";
export { tablesAlone } from "./engine/vhds.ts";
export { type EnvoyVersion, OLDEST_ENVOY } from "./scope/envoy-features.ts";
export { type MeshProxy, proxyOf } from "./scope/proxy.ts";
export type { ProxyClass } from "./scope/proxy-class.ts";
export type { Scope } from "./scope/scope.ts";
