import { bool, field, list, map, message, type Static, string } from "@xebec/model-schema";
import { Labels, port, StringMatch } from "../shared/shapes.ts";

export const HttpMatch = message("HTTPMatchRequest", {
  name: field(
    string(),
    "A name for the match. With the rule's name it names the route, `RULE.MATCH`, in logs and metrics.",
  ),
  uri: field(StringMatch, "The path of the request, without its query."),
  scheme: field(StringMatch, "The scheme of the request, `http` or `https`."),
  method: field(StringMatch, "The method of the request."),
  authority: field(
    StringMatch,
    "The authority of the request: the header `Host`, with the port if the client wrote one.",
  ),
  headers: field(
    map(StringMatch),
    "Headers by name in lower case. An empty value matches a header that is present. Names of pseudo-headers are possible.",
  ),
  withoutHeaders: field(
    map(StringMatch),
    "Headers that the request must not have with such a value. An empty value means that the header must be absent.",
  ),
  queryParams: field(
    map(StringMatch),
    "Parameters of the query, by name. An empty value matches a parameter that is present.",
  ),
  port: field(port(), "The port of the service that was called."),
  sourceLabels: field(Labels, "Labels that the client's workload has. Not for gateways."),
  sourceNamespace: field(string(), "The namespace of the client's workload. Not for gateways."),
  gateways: field(list(string()), "Gateways where the match is for, or `mesh` for sidecars.", {
    defaultText: "the gateways of the VirtualService",
  }),
  ignoreUriCase: field(bool(), "Compares `exact` and `prefix` of `uri` without regard to case.", { default: false }),
  statPrefix: field(string(), "Counts the requests of this match by themselves in Envoy's metrics, under this name."),
});
export type HttpMatch = Static<typeof HttpMatch>;
