import { XebecError } from "@xebec/core-errors";

/**
 * A caller broke the protocol. Whatever its code, it is not logged as an error of ours: otherwise anybody could fill the log.
 */
export class ProtocolError extends XebecError {}
