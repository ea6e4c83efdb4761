import {
  bool,
  duration,
  field,
  int32,
  list,
  map,
  message,
  required,
  type Static,
  string,
  uint32,
} from "@xebec/model-schema";
import { Destination, Percent } from "../shared/shapes.ts";
import { HEADERS_OF_1_0, Headers } from "./headers.ts";
import { Cors, DirectResponse, Redirect } from "./http-answer.ts";
import { Fault } from "./http-fault.ts";
import { HttpMatch } from "./http-match.ts";

const HttpDestination = message("HTTPRouteDestination", {
  destination: required(Destination, "The service that gets the requests."),
  weight: field(int32({ minimum: 0 }), "The share of the requests, relative to the sum of all weights of the route.", {
    defaultText: "all requests for a single destination, none beside others",
  }),
  headers: field(Headers, "Changes to headers for this destination."),
  ...HEADERS_OF_1_0,
});
export type HttpDestination = Static<typeof HttpDestination>;

const RegexRewrite = message("RegexRewrite", {
  match: required(string(), "An RE2 regular expression; what it matches of the path is replaced."),
  rewrite: required(string(), "The replacement. `\\1` to `\\9` stand for groups of the expression."),
});

const Rewrite = message("HTTPRewrite", {
  uri: field(string(), "Replaces the prefix that was matched, or the whole path for another match."),
  authority: field(string(), "Replaces the authority."),
  uriRegexRewrite: field(RegexRewrite, "Replaces parts of the path. Not beside `uri`."),
});

export const HttpRetry = message("HTTPRetry", {
  attempts: field(int32(), "How often a request is retried at most. 0 switches retries off.", {
    defaultText: "2 without `retries`, 0 with it",
  }),
  perTryTimeout: field(duration(), "How long one try may take.", { defaultText: "the timeout of the route" }),
  retryOn: field(string(), "Envoy's retry conditions and HTTP statuses, separated by commas.", {
    default: "connect-failure,refused-stream,unavailable,cancelled",
  }),
  retryRemoteLocalities: field(bool(), "Whether a retry may go to another locality.", {
    default: false,
  }),
  retryIgnorePreviousHosts: field(bool(), "Whether a retry avoids hosts that were tried before.", {
    defaultText: "true; false with consistent hashing",
  }),
  backoff: field(duration(), "The time before the first retry; it grows with each further one.", {
    defaultText: "25ms",
  }),
});

const MirrorPolicy = message("HTTPMirrorPolicy", {
  destination: required(Destination, "The service that gets copies."),
  percentage: field(Percent, "The part of the requests that is copied.", { defaultText: "all requests" }),
});

const Delegate = message("Delegate", {
  name: field(string(), "The name of the VirtualService. Required."),
  namespace: field(string(), "The namespace of the VirtualService.", { defaultText: "the object's own namespace" }),
});

export const HttpRoute = message("HTTPRoute", {
  name: field(string(), "A name for the rule, shown in logs, metrics and `xebec` output."),
  match: field(list(HttpMatch), "The rule is for requests that fit one of these.", { defaultText: "all requests" }),
  route: field(
    list(HttpDestination),
    "Where requests are forwarded to. One of `route`, `redirect`, `directResponse` and `delegate` is required.",
  ),
  delegate: field(
    Delegate,
    "A VirtualService without hosts whose rules stand in the place of this one. Not beside `route` and `redirect`.",
  ),
  redirect: field(Redirect, "Answers with a redirect."),
  directResponse: field(DirectResponse, "Answers with this status and body."),
  rewrite: field(Rewrite, "Changes path or authority before a request is forwarded."),
  timeout: field(duration(), "How long the whole answer may take, with all retries.", {
    defaultText: "no limit",
  }),
  retries: field(HttpRetry, "How failed requests are retried."),
  fault: field(Fault, "Delays and errors that are injected on purpose."),
  mirror: field(Destination, "A service that gets a copy of each request; its answers are dropped."),
  mirrorPercentage: field(Percent, "The part of the requests that `mirror` gets.", { defaultText: "all requests" }),
  mirrorPercent: field(uint32({ maximum: 100 }), "The old form of `mirrorPercentage`, in whole percent."),
  mirrors: field(list(MirrorPolicy), "Several services that get copies. Not beside `mirror`."),
  corsPolicy: field(Cors, "Cross-origin resource sharing: answers preflight requests and marks responses."),
  headers: field(Headers, "Changes to headers for all destinations of the rule."),
  appendHeaders: field(map(string()), "The oldest form of `headers.request.add`."),
  ...HEADERS_OF_1_0,
  websocketUpgrade: field(bool(), "Whether WebSockets are possible.", { noEffect: "upgrades are always possible" }),
});
export type HttpRoute = Static<typeof HttpRoute>;
