export { type Attachment, attachments, type ConnectedSidecar, type InUse } from "./attachment.ts";
export { contentHash, type EncodedResource } from "./encoded.ts";
export { Generator, type NameSet } from "./generator.ts";
export { type MeshProxy, type ProxyView, proxyOf, viewOf } from "./proxy.ts";
export { diffOf, EMPTY_SET, type ResourceDiff, type ResourceSet, resourceSet } from "./resource-set.ts";
export { SHORT_NAME, TYPE_URL, typeOfUrl, type XdsType } from "./type-urls.ts";
