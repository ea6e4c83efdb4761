import {
  describeAdapter,
  duration,
  field,
  int32,
  list,
  map,
  message,
  openMessage,
  RPC,
  string,
} from "@xebec/mixer-sdk";
import { Type } from "typebox";

/** A detail of a status; istio.policy.v1beta1.DirectHttpResponse is the only one with an effect. */
const Detail = openMessage("Any", {
  "@type": field(string(), "The detail's type."),
  code: field(
    Type.Union([int32({ minimum: 0, maximum: 599 }), string()]),
    "The HTTP status: its number, or its name in istio.policy.v1beta1.HttpStatusCode.",
  ),
  body: field(string(), "The body of the answer."),
  headers: field(map(string()), "Headers of the answer."),
});

const Status = message("google.rpc.Status", {
  code: field(int32(), "google.rpc.Code; a number that is none denies, too."),
  message: field(string(), "Why a request is denied, for its caller."),
  details: field(list(Detail), "A DirectHttpResponse is the answer to a denied HTTP request."),
});

const Params = message("denier.Params", {
  status: field(Status, "The answer to every check."),
  validDuration: field(duration(), "How long callers may reuse the answer."),
  validUseCount: field(int32({ minimum: 0 }), "How often callers may reuse the answer."),
});

/** Gives every check the same answer, a denial by default; quotas get nothing (docs/reference/mixer.md §6.1). */
export const denier = describeAdapter({
  name: "denier",
  description: "answers every check with one configured status",
  templates: ["checknothing", "listentry", "quota"],
  config: Params,
  defaults: { status: { code: RPC.FAILED_PRECONDITION }, validDuration: "5s", validUseCount: 1000 },
});
