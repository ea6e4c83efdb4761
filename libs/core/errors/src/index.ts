export { CODES, type Code, grpcStatus, httpStatus } from "./codes.ts";
export { isXebecError, XebecError, type XebecErrorOptions } from "./xebec-error.ts";
