export { addressViolations, hostAndPort, urlViolations } from "./addresses.ts";
export { type GoTemplate, parseGoTemplate } from "./go-template.ts";
export { type HttpCaller, type PostOptions, post, SinkAnswerError } from "./post.ts";
export { isSampled, type Peer, type Span, type SpanInstance, spanOf } from "./spans.ts";
export { epochMicros, epochMs, epochNanos, type PlainValue, plainMap, plainValue, rfc3339, textMap } from "./values.ts";
