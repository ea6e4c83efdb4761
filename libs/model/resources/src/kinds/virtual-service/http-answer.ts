import {
  bool,
  bytes,
  duration,
  enumeration,
  field,
  list,
  message,
  required,
  string,
  uint32,
} from "@xebec/model-schema";
import { port, StringMatch } from "../shared/shapes.ts";

// What the proxy answers by itself, without forwarding a request.

export const Redirect = message("HTTPRedirect", {
  uri: field(string(), "The new path, with a query if it is to have one."),
  authority: field(string(), "The new host."),
  port: field(port(), "The new port."),
  derivePort: field(
    enumeration(["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"]),
    "Where the new port comes from instead: the scheme's own port, or the port that was called.",
  ),
  scheme: field(string(), "The new scheme, `http` or `https`."),
  redirectCode: field(uint32(), "The status, from 300 to 399. A status that Envoy does not have becomes 301.", {
    default: 301,
  }),
});

const Body = message("HTTPBody", {
  string: field(string(), "The body as a string."),
  bytes: field(bytes(), "The body in base64."),
});

export const DirectResponse = message("HTTPDirectResponse", {
  status: required(uint32(), "The status, from 200 to 599."),
  body: field(Body, "The body, of at most 1 MiB.", { defaultText: "an empty body" }),
});

export const Cors = message("CorsPolicy", {
  allowOrigins: field(list(StringMatch), "Origins that are allowed."),
  allowOrigin: field(list(string()), "The old form of `allowOrigins`: exact origins, or `*`."),
  allowMethods: field(list(string()), "Methods that the answer to a preflight request lists, or `*`."),
  allowHeaders: field(list(string()), "Request headers that the answer to a preflight request lists, or `*`."),
  exposeHeaders: field(list(string()), "Response headers that scripts may read."),
  maxAge: field(duration(), "How long the result of a preflight request may be cached, in whole seconds."),
  allowCredentials: field(bool(), "Whether a request may carry credentials."),
  unmatchedPreflights: field(
    enumeration(["UNSPECIFIED", "FORWARD", "IGNORE"]),
    "What becomes of a preflight request from an origin that is not allowed: it is forwarded, or answered without permission.",
    { default: "FORWARD" },
  ),
});
