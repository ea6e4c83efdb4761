export { decodeCheckResult, decodeOutput, decodeQuotaResult } from "./answers.ts";
export { decodeRequest } from "./decode-requests.ts";
export { DescriptorFiles } from "./descriptors.ts";
export { encodeCheckResult, encodeOutput, encodeQuotaResult } from "./encode-answers.ts";
export { decodeCall, encodeCall, JSON_PARAMS } from "./handler-calls.ts";
export { encodeParams, type ParamsMessage, paramsMessageOf } from "./params.ts";
export { encodeRequest, type HandleRequest } from "./requests.ts";
export { type WireField, type WireTemplate, wireOfDescriptor, wireOfTemplate } from "./wire-template.ts";
