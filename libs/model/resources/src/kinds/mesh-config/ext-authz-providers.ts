import { bool, duration, field, list, map, message, type Static, string, uint32 } from "@xebec/model-schema";
import { providerService } from "./provider-service.ts";

const RequestBody = message("EnvoyExternalAuthorizationRequestBody", {
  maxRequestBytes: field(uint32(), "Most bytes of a body that the proxy keeps; more is answered with 413."),
  allowPartialMessage: field(bool(), "Sends the first bytes of a longer body instead of 413.", { default: false }),
  packAsBytes: field(bool(), "Sends the body as bytes instead of UTF-8; for gRPC.", { default: false }),
});

const common = {
  ...providerService,
  timeout: field(duration(), "How long the proxy waits for a decision.", { default: "600s" }),
  failOpen: field(bool(), "Lets requests pass when the service does not answer, or answers with 5xx.", {
    default: false,
  }),
  statusOnError: field(string(), "The HTTP status when the service does not answer.", { default: "403" }),
  clearRouteCache: field(bool(), "Chooses the route again after headers were changed.", { default: false }),
  includeRequestBodyInCheck: field(RequestBody, "Sends the request's body, too."),
};

export const ExtAuthzHttp = message("EnvoyExternalAuthorizationHttpProvider", {
  ...common,
  pathPrefix: field(string(), "Put before the path of the request that asks for a decision."),
  includeHeadersInCheck: field(list(string()), "The old name of `includeRequestHeadersInCheck`."),
  includeRequestHeadersInCheck: field(list(string()), "Headers that are sent: `name`, `name*` or `*name`."),
  includeAdditionalHeadersInCheck: field(map(string()), "Headers that are added."),
  headersToUpstreamOnAllow: field(list(string()), "Headers of the decision that the server gets."),
  headersToDownstreamOnDeny: field(list(string()), "Headers of a refusal that the client gets.", {
    defaultText: "all",
  }),
  headersToDownstreamOnAllow: field(list(string()), "Headers of the decision that the client gets with the answer."),
});
export type ExtAuthzHttp = Static<typeof ExtAuthzHttp>;

export const ExtAuthzGrpc = message("EnvoyExternalAuthorizationGrpcProvider", common);
export type ExtAuthzGrpc = Static<typeof ExtAuthzGrpc>;
