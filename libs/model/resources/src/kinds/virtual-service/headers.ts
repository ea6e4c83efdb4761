import { field, list, map, message, type Static, string } from "@xebec/model-schema";

const HeaderOperations = message("HeaderOperations", {
  set: field(map(string()), "Headers that replace those of the same name. Values may have Envoy's command operators."),
  add: field(
    map(string()),
    "Headers that are appended to those of the same name. Values may have Envoy's command operators.",
  ),
  remove: field(list(string()), "Names of headers that are removed."),
});
export type HeaderOperations = Static<typeof HeaderOperations>;

export const Headers = message("Headers", {
  request: field(HeaderOperations, "Changes to a request before it is forwarded."),
  response: field(HeaderOperations, "Changes to a response before it is returned."),
});

/** Istio 1.1's fields for headers, which `headers` has replaced. */
export const HEADERS_OF_1_0 = {
  appendRequestHeaders: "write headers.request.add",
  removeRequestHeaders: "write headers.request.remove",
  appendResponseHeaders: "write headers.response.add",
  removeResponseHeaders: "write headers.response.remove",
} as const;
