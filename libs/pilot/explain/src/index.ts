export { type AccessLogLine, explainResponse, type ResponseExplanation, readAccessLog } from "./access-log.ts";
export { explainRequest, type RequestOutcome } from "./explain-request.ts";
export { type Caller, evaluateRbac, type RbacVerdict } from "./rbac.ts";
export type { RequestToExplain } from "./request.ts";
export type { FlagMeaning } from "./response-flags.ts";
export type { ProxyView, Step } from "./way.ts";
