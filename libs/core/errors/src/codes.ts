/** The closed set of error codes: gRPC's canonical codes (grpc.io, "Status codes"), with their number and HTTP status. */
export const CODES = {
  cancelled: [1, 499],
  unknown: [2, 500],
  invalid_argument: [3, 400],
  deadline_exceeded: [4, 504],
  not_found: [5, 404],
  already_exists: [6, 409],
  permission_denied: [7, 403],
  resource_exhausted: [8, 429],
  failed_precondition: [9, 400],
  aborted: [10, 409],
  out_of_range: [11, 400],
  unimplemented: [12, 501],
  internal: [13, 500],
  unavailable: [14, 503],
  data_loss: [15, 500],
  unauthenticated: [16, 401],
} as const satisfies Record<string, readonly [grpc: number, http: number]>;

export type Code = keyof typeof CODES;

/** The gRPC status number of a code. */
export function grpcStatus(code: Code): number {
  return CODES[code][0];
}

/** The HTTP status of a code (the mapping of google.rpc.Code). */
export function httpStatus(code: Code): number {
  return CODES[code][1];
}
