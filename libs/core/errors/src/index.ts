export { CODES, type Code, grpcStatus, httpStatus } from "./codes.ts";
export { didYouMean, nearestName } from "./did-you-mean.ts";
export { isXebecError, XebecError, type XebecErrorOptions } from "./xebec-error.ts";
