import { hostCovers, resolveShortName } from "@xebec/model-names";
import type { HttpMatch, HttpRoute, TcpRoute, TlsRoute, VirtualServiceSpec } from "@xebec/model-resources";
import { checkAuthority, checkHeaders } from "./header-operations.ts";
import { type Checker, isLabel, isToken } from "./rules.ts";

type Path = readonly (string | number)[];

/** Semantic rules of a VirtualService (spec/platform.md §3.11). */
export function checkVirtualService(spec: VirtualServiceSpec, check: Checker): void {
  const path: Path = ["spec"];
  const forMesh = !spec.gateways?.length || spec.gateways.includes("mesh");
  for (const [i, host] of spec.hosts.entries()) {
    check.host(host, [...path, "hosts", i]);
    if (host === "*" && forMesh)
      check.fail([...path, "hosts", i], "the host * needs a gateway; for the mesh name the hosts");
    if (spec.hosts.indexOf(host) !== i) check.fail([...path, "hosts", i], `"${host}" is given twice`);
  }
  for (const [i, gateway] of (spec.gateways ?? []).entries())
    check.require(
      /^[\w.-]+(\/[\w.-]+)?$/.test(gateway),
      [...path, "gateways", i],
      `"${gateway}" is no gateway; write NAME or NAMESPACE/NAME`,
    );
  check.require(
    Boolean(spec.http?.length || spec.tls?.length || spec.tcp?.length),
    path,
    "one of http, tls and tcp must have a rule",
  );
  check.exportTo(spec.exportTo, [...path, "exportTo"]);
  for (const [i, rule] of (spec.http ?? []).entries()) checkHttp(rule, [...path, "http", i], check);
  for (const [i, rule] of (spec.tls ?? []).entries()) {
    for (const [j, match] of rule.match.entries())
      for (const [k, sni] of match.sniHosts.entries())
        check.require(
          spec.hosts.some((host) => hostCovers(resolveShortName(host, "x", "y"), sni) || hostCovers(host, sni)),
          [...path, "tls", i, "match", j, "sniHosts", k],
          `"${sni}" is none of the hosts of this VirtualService`,
        );
    checkL4(rule, [...path, "tls", i], check);
  }
  for (const [i, rule] of (spec.tcp ?? []).entries()) checkL4(rule, [...path, "tcp", i], check);
}

function checkL4(rule: TcpRoute | TlsRoute, path: Path, check: Checker): void {
  for (const [i, match] of (rule.match ?? []).entries())
    for (const [j, subnet] of (match.destinationSubnets ?? []).entries())
      check.subnet(subnet, [...path, "match", i, "destinationSubnets", j]);
  checkWeights(rule.route, [...path, "route"], check);
}

function checkHttp(rule: HttpRoute, path: Path, check: Checker): void {
  const actions = (["route", "redirect", "directResponse"] as const).filter((each) => rule[each] !== undefined);
  if (actions.length === 0) check.fail(path, "one of route, redirect and directResponse is needed");
  else if (actions.length > 1) check.fail([...path, actions[1] as string], `cannot be together with ${actions[0]}`);
  if (rule.route?.length === 0) check.fail([...path, "route"], "must not be empty");
  for (const [i, match] of (rule.match ?? []).entries()) checkMatch(match, [...path, "match", i], check);
  checkWeights(rule.route ?? [], [...path, "route"], check);
  check.duration(rule.timeout, [...path, "timeout"]);
  checkRedirect(rule, path, check);
  checkRewrite(rule, path, check);
  checkRetries(rule.retries, [...path, "retries"], check);
  checkFault(rule.fault, [...path, "fault"], check);
  if (rule.mirror && rule.mirrors) check.fail([...path, "mirrors"], "cannot be together with mirror");
  if (rule.mirror) check.host(rule.mirror.host, [...path, "mirror", "host"], { wildcard: false });
  for (const [i, each] of (rule.mirrors ?? []).entries())
    check.host(each.destination.host, [...path, "mirrors", i, "destination", "host"], { wildcard: false });
  check.duration(rule.corsPolicy?.maxAge, [...path, "corsPolicy", "maxAge"]);
  for (const [i, origin] of (rule.corsPolicy?.allowOrigins ?? []).entries())
    check.stringMatch(origin, [...path, "corsPolicy", "allowOrigins", i]);
  checkHeaders(rule.headers, [...path, "headers"], check);
  for (const [i, each] of (rule.route ?? []).entries())
    checkHeaders(each.headers, [...path, "route", i, "headers"], check);
  checkAuthority(rule, path, check);
}

function checkMatch(match: HttpMatch, path: Path, check: Checker): void {
  for (const field of ["uri", "scheme", "method", "authority"] as const)
    check.stringMatch(match[field], [...path, field]);
  for (const field of ["headers", "withoutHeaders", "queryParams"] as const)
    for (const [name, value] of Object.entries(match[field] ?? {})) {
      if (name === "") check.fail([...path, field], "a name must not be empty");
      else if (field !== "queryParams" && !isHeaderName(name))
        check.fail([...path, field, name], `"${name}" is no name of a header`);
      check.stringMatch(value, [...path, field, name]);
    }
}

/** A header, a pseudo-header of a request or a response, or a claim of a token as Istio writes it. */
function isHeaderName(name: string): boolean {
  return (
    isToken(name) || /^:(method|scheme|authority|path|status)$/.test(name) || name.startsWith("@request.auth.claims")
  );
}

function checkWeights(
  routes: readonly { destination: { host: string; subset?: string }; weight?: number }[],
  path: Path,
  check: Checker,
): void {
  for (const [i, { destination }] of routes.entries()) {
    check.host(destination.host, [...path, i, "destination", "host"], { wildcard: false });
    if (destination.subset !== undefined && destination.subset !== "" && !isLabel(destination.subset))
      check.fail([...path, i, "destination", "subset"], `"${destination.subset}" is no name of a subset`);
    if (destination.host === "*") check.fail([...path, i, "destination", "host"], "* is no destination");
  }
  const total = routes.reduce((sum, each) => sum + (each.weight ?? 0), 0);
  if (routes.length > 1 && total === 0) check.fail(path, `the weights of ${routes.length} destinations are all 0`);
  if (total > 4_294_967_295) check.fail(path, "the weights are too large together");
}

function checkRedirect(rule: HttpRoute, path: Path, check: Checker): void {
  const { redirect, directResponse } = rule;
  if (redirect) {
    if (!redirect.uri && !redirect.authority && redirect.port === undefined && !redirect.scheme && !redirect.derivePort)
      check.fail([...path, "redirect"], "one of uri, authority, port and scheme is needed");
    const code = redirect.redirectCode;
    if (code !== undefined && (code < 300 || code > 399))
      check.fail([...path, "redirect", "redirectCode"], `must be from 300 to 399, not ${code}`);
    if (redirect.scheme && !["http", "https"].includes(redirect.scheme))
      check.fail([...path, "redirect", "scheme"], `must be http or https, not ${redirect.scheme}`);
    for (const field of ["uri", "authority"] as const) check.headerText(redirect[field], [...path, "redirect", field]);
    for (const other of ["fault", "rewrite"] as const)
      if (rule[other]) check.fail([...path, other], "cannot be together with redirect");
  }
  if (directResponse) {
    if (directResponse.status < 200 || directResponse.status > 599)
      check.fail([...path, "directResponse", "status"], `must be from 200 to 599, not ${directResponse.status}`);
    for (const other of ["fault", "rewrite"] as const)
      if (rule[other]) check.fail([...path, other], "cannot be together with directResponse");
    const size = Buffer.byteLength(directResponse.body?.string ?? directResponse.body?.bytes ?? "");
    if (size > 1024 * 1024) check.fail([...path, "directResponse", "body"], "must not be larger than 1 MiB");
  }
}

function checkRewrite(rule: HttpRoute, path: Path, check: Checker): void {
  const { rewrite } = rule;
  if (!rewrite) return;
  for (const field of ["uri", "authority"] as const) check.headerText(rewrite[field], [...path, "rewrite", field]);
  if (rewrite.uri !== undefined && rewrite.uriRegexRewrite)
    check.fail([...path, "rewrite"], "give uri or uriRegexRewrite, not both");
  if (rewrite.uri === undefined && !rewrite.authority && !rewrite.uriRegexRewrite)
    check.fail([...path, "rewrite"], "one of uri, authority and uriRegexRewrite is needed");
  check.regex(rewrite.uriRegexRewrite?.match, [...path, "rewrite", "uriRegexRewrite", "match"]);
}

const RETRY_CONDITIONS = new Set(
  "5xx gateway-error reset reset-before-request connect-failure retriable-4xx refused-stream retriable-status-codes retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal resource-exhausted unavailable".split(
    " ",
  ),
);

function checkRetries(retries: HttpRoute["retries"], path: Path, check: Checker): void {
  if (!retries) return;
  check.duration(retries.perTryTimeout, [...path, "perTryTimeout"]);
  check.duration(retries.backoff, [...path, "backoff"], { zero: false });
  if ((retries.attempts ?? 1) < 0) check.fail([...path, "attempts"], "must not be negative");
  if (retries.attempts === 0 && (retries.perTryTimeout || retries.retryOn || retries.retryRemoteLocalities))
    check.fail([...path, "attempts"], "is 0, which switches retries off; then nothing else may be set");
  for (const word of retries.retryOn?.split(",").map((each) => each.trim()) ?? [])
    if (!RETRY_CONDITIONS.has(word) && !/^[1-5]\d\d$/.test(word))
      check.fail([...path, "retryOn"], `"${word}" is no retry condition`);
}

function checkFault(fault: HttpRoute["fault"], path: Path, check: Checker): void {
  if (!fault) return;
  if (!fault.delay && !fault.abort) check.fail(path, "one of delay and abort is needed");
  if (fault.delay) {
    if (fault.delay.fixedDelay === undefined) check.fail([...path, "delay", "fixedDelay"], "is required");
    check.duration(fault.delay.fixedDelay, [...path, "delay", "fixedDelay"], { zero: false });
  }
  const status = fault.abort?.httpStatus;
  if (status !== undefined && (status < 200 || status > 599))
    check.fail([...path, "abort", "httpStatus"], `must be from 200 to 599, not ${status}`);
  if (fault.abort && fault.abort.httpStatus === undefined && fault.abort.grpcStatus === undefined)
    check.fail([...path, "abort"], "one of httpStatus and grpcStatus is needed");
  if (fault.abort?.httpStatus !== undefined && fault.abort.grpcStatus !== undefined)
    check.fail([...path, "abort", "grpcStatus"], "cannot be together with httpStatus");
}
