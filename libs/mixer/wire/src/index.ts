export { decodeCheckResult, decodeOutput, decodeQuotaResult } from "./answers.ts";
export { DescriptorFiles } from "./descriptors.ts";
export { encodeParams, type ParamsMessage, paramsMessageOf } from "./params.ts";
export { encodeRequest, type HandleRequest } from "./requests.ts";
export { type WireField, type WireTemplate, wireOfDescriptor, wireOfTemplate } from "./wire-template.ts";
