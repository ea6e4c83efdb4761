export { type Attachment, attachments, type ConnectedSidecar, type InUse } from "./conditions/attachment.ts";
export { contentHash, type EncodedResource, type ResourcePart } from "./encode/encoded.ts";
export { Generator, type NameSet } from "./engine/generator.ts";
export { diffOf, EMPTY_SET, type ResourceDiff, type ResourceSet, resourceSet } from "./engine/resource-set.ts";
export { SHORT_NAME, TYPE_URL, typeOfUrl, type XdsType } from "./engine/type-urls.ts";
export { type MeshProxy, type ProxyClass, proxyOf } from "./scope/proxy.ts";
