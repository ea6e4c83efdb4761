import { duration, field, int32, message, string, unsupported } from "@xebec/model-schema";
import { Percent } from "../shared/shapes.ts";

/** The statuses of gRPC, by name. */
const GRPC_STATUS =
  "^(OK|CANCELLED|UNKNOWN|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS|UNAUTHENTICATED)$";

const part = {
  percentage: field(Percent, "The part of the requests that is hit.", { defaultText: "no request is hit" }),
  percent: field(int32({ minimum: 0, maximum: 100 }), "The old form of `percentage`, in whole percent."),
};

const Delay = message(
  "HTTPFaultInjection.Delay",
  { ...part, fixedDelay: field(duration(), "How long a request is held before it is forwarded. Required.") },
  { unsupported: unsupported("", { exponentialDelay: "Istio does not have it either; write fixedDelay" }) },
);

const Abort = message(
  "HTTPFaultInjection.Abort",
  {
    ...part,
    httpStatus: field(int32({ minimum: 200, maximum: 600 }), "The status of the answer, from 200 to 599."),
    grpcStatus: field(string({ pattern: GRPC_STATUS }), "The gRPC status of the answer, such as `UNAVAILABLE`."),
  },
  { unsupported: unsupported("", { http2Error: "Istio does not have it either; write httpStatus or grpcStatus" }) },
);

export const Fault = message("HTTPFaultInjection", {
  delay: field(Delay, "Holds requests for a time."),
  abort: field(
    Abort,
    "Answers requests with an error instead of forwarding them. One of `httpStatus` and `grpcStatus` is required.",
  ),
});
