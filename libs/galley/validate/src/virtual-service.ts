import { STATUS_CODES } from "node:http";
import { parseDuration } from "@xebec/core-duration";
import { hostCovers, hostsOverlap, resolveShortName } from "@xebec/model-names";
import type { HttpMatch, HttpRoute, TcpRoute, TlsRoute, VirtualServiceSpec } from "@xebec/model-resources";
import { checkAuthority, checkHeaders } from "./header-operations.ts";
import { type Checker, isIp, isLabel, isName, isToken } from "./rules.ts";
import { warnOfUnreachable } from "./unreachable.ts";

type Path = readonly (string | number)[];

/** Semantic rules of a VirtualService (docs/reference/platform.md §3.11). */
export function checkVirtualService(spec: VirtualServiceSpec, check: Checker): void {
  const path: Path = ["spec"];
  const forMesh = !spec.gateways?.length || spec.gateways.includes("mesh");
  checkHosts(spec, forMesh, check);
  checkGateways(spec.gateways, [...path, "gateways"], check);
  check.require(
    Boolean(spec.http?.length || spec.tls?.length || spec.tcp?.length),
    path,
    "one of http, tls and tcp must have a rule",
  );
  check.exportTo(spec.exportTo, [...path, "exportTo"]);
  for (const [i, rule] of (spec.http ?? []).entries()) checkHttp(rule, [...path, "http", i], check, forMesh);
  for (const [i, rule] of (spec.tls ?? []).entries()) {
    for (const [j, match] of rule.match.entries())
      for (const [k, sni] of match.sniHosts.entries())
        checkSni(sni, spec, [...path, "tls", i, "match", j, "sniHosts", k], check);
    checkL4(rule, [...path, "tls", i], check);
  }
  for (const [i, rule] of (spec.tcp ?? []).entries())
    check.withoutWarnings(() => checkL4(rule, [...path, "tcp", i], check));
  warnOfUnreachable(spec, check);
}

function checkHosts({ hosts, tls }: VirtualServiceSpec, forMesh: boolean, check: Checker): void {
  const before = check.violations.length;
  for (const [i, host] of hosts.entries()) {
    const path = ["spec", "hosts", i];
    // Names that other clusters' gateways give to services of this one.
    if (!forMesh && tls?.length && OUTBOUND_SNI.test(host)) continue;
    check.host(host, path, { ip: true });
    if (host === "*" && forMesh) check.fail(path, "the host * needs a gateway; for the mesh name the hosts");
  }
  if (check.violations.length > before) return;
  for (const [i, host] of hosts.entries()) {
    const other = hosts.slice(0, i).find((each) => hostsOverlap(each, host));
    if (other === host) check.fail(["spec", "hosts", i], `"${host}" is given twice`);
    else if (other !== undefined)
      check.fail(["spec", "hosts", i], `"${host}" overlaps with "${other}"; keep one of them`);
  }
}

const OUTBOUND_SNI = /^outbound_[^_]*[0-9][^_]*_[^_]*_[^_]*[a-zA-Z]/;

function checkGateways(gateways: readonly string[] | undefined, path: Path, check: Checker): void {
  for (const [i, gateway] of (gateways ?? []).entries()) {
    const [namespace = "", name] = gateway.split(/\/(.*)/s);
    if (name === undefined) {
      if (!isName(gateway)) check.fail([...path, i], `"${gateway}" is no gateway; write NAME or NAMESPACE/NAME`);
      const [first, second] = gateway.split(".");
      if (second) check.warn([...path, i], `"${gateway}" is the form of long ago; write ${second}/${first}`);
    } else if (!isLabel(namespace) || !isLabel(name))
      check.fail([...path, i], `"${gateway}" is no gateway; write NAME or NAMESPACE/NAME`);
  }
}

function checkSni(sni: string, spec: VirtualServiceSpec, path: Path, check: Checker): void {
  if (isIp(sni)) {
    check.warn(path, `"${sni}" is an address, which TLS clients do not send as a name`);
    return;
  }
  const forMesh = !spec.gateways?.length || spec.gateways.includes("mesh");
  if (forMesh || !OUTBOUND_SNI.test(sni)) check.host(sni, path);
  if (
    !spec.hosts.some(
      (host) => host === sni || hostCovers(resolveShortName(host, "x", "y"), sni) || hostCovers(host, sni),
    )
  )
    check.fail(path, `"${sni}" is none of the hosts of this VirtualService`);
}

function checkL4(rule: TcpRoute | TlsRoute, path: Path, check: Checker): void {
  for (const [i, match] of (rule.match ?? []).entries()) {
    const at = [...path, "match", i];
    for (const [j, subnet] of (match.destinationSubnets ?? []).entries())
      check.subnet(subnet, [...at, "destinationSubnets", j]);
    check.labels(match.sourceLabels, [...at, "sourceLabels"]);
    checkGateways(match.gateways, [...at, "gateways"], check);
  }
  checkWeights(rule.route, [...path, "route"], check);
}

function checkHttp(rule: HttpRoute, path: Path, check: Checker, forMesh: boolean): void {
  const actions = (["route", "redirect", "directResponse"] as const).filter((each) =>
    each === "route" ? rule.route?.length : rule[each] !== undefined,
  );
  if (actions.length === 0) check.fail(path, "one of route, redirect and directResponse is needed");
  else if (actions.length > 1) check.fail([...path, actions[1] as string], `cannot be together with ${actions[0]}`);
  for (const [i, match] of (rule.match ?? []).entries()) checkMatch(match, [...path, "match", i], check, forMesh);
  checkWeights(rule.route ?? [], [...path, "route"], check);
  check.duration(rule.timeout, [...path, "timeout"]);
  checkRedirect(rule, path, check);
  checkRewrite(rule, path, check);
  checkRetries(rule.retries, [...path, "retries"], check);
  checkFault(rule.fault, [...path, "fault"], check);
  if (rule.mirror && rule.mirrors) check.fail([...path, "mirrors"], "cannot be together with mirror");
  if (rule.mirrorPercent !== undefined)
    check.warn([...path, "mirrorPercent"], "is deprecated; write mirrorPercentage.value");
  if (rule.mirror) checkDestination(rule.mirror, [...path, "mirror"], check);
  for (const [i, each] of (rule.mirrors ?? []).entries())
    checkDestination(each.destination, [...path, "mirrors", i, "destination"], check);
  checkCors(rule.corsPolicy, [...path, "corsPolicy"], check);
  checkHeaders(rule.headers, [...path, "headers"], check);
  for (const [i, each] of (rule.route ?? []).entries())
    checkHeaders(each.headers, [...path, "route", i, "headers"], check);
  checkAuthority(rule, path, check);
}

function checkMatch(match: HttpMatch, path: Path, check: Checker, forMesh: boolean): void {
  check.stringMatch(match.uri, [...path, "uri"], { emptyPrefix: true });
  for (const field of ["scheme", "method", "authority"] as const) check.stringMatch(match[field], [...path, field]);
  for (const field of ["headers", "withoutHeaders", "queryParams"] as const)
    for (const [name, value] of Object.entries(match[field] ?? {})) {
      const at = [...path, field, name];
      if (field !== "queryParams") checkHeaderName(name, at, check, forMesh);
      else if (name === "") check.fail([...path, field], "a name must not be empty");
      // `*` is no regular expression, but means any value here.
      if (field !== "withoutHeaders" || value.regex !== "*") check.stringMatch(value, at);
    }
  check.labels(match.sourceLabels, [...path, "sourceLabels"]);
  check.withoutWarnings(() => checkGateways(match.gateways, [...path, "gateways"], check));
  if (match.sourceNamespace && !isLabel(match.sourceNamespace))
    check.fail([...path, "sourceNamespace"], `"${match.sourceNamespace}" is no namespace`);
}

/** A header, a pseudo-header of a request or a response, or at a gateway a claim of a token as Istio writes it. */
function checkHeaderName(name: string, path: Path, check: Checker, forMesh: boolean): void {
  if (/^@request\.auth\.claims(\..|\[.+\]$)/i.test(name)) {
    if (forMesh)
      check.fail(path, "a claim of a token can be matched at a gateway only; name one in gateways, without mesh");
  } else if (!isToken(name) && !/^:(method|scheme|authority|path|status)$/.test(name))
    check.fail(path, `"${name}" is no name of a header`);
}

function checkDestination(
  { host, subset, port }: { host: string; subset?: string; port?: { number?: number } },
  path: Path,
  check: Checker,
): void {
  if (host === "*") check.fail([...path, "host"], "* is no destination");
  else check.host(host, [...path, "host"]);
  if (subset && !isLabel(subset)) check.fail([...path, "subset"], `"${subset}" is no name of a subset`);
  if (port && port.number === undefined) check.fail([...path, "port", "number"], "is required");
}

function checkWeights(
  routes: readonly { destination: Parameters<typeof checkDestination>[0]; weight?: number }[],
  path: Path,
  check: Checker,
): void {
  for (const [i, { destination }] of routes.entries())
    checkDestination(destination, [...path, i, "destination"], check);
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
    const { string = "", bytes = "" } = directResponse.body ?? {};
    const size = Buffer.byteLength(string) + Buffer.byteLength(bytes, "base64");
    const body = [...path, "directResponse", "body"];
    if (size > 1 << 20) check.fail(body, "must not be larger than 1 MiB");
    else if (size > 100 << 10) check.warn(body, "is larger than 100 KiB, and is sent to every proxy");
  }
}

function checkRewrite(rule: HttpRoute, path: Path, check: Checker): void {
  const { rewrite } = rule;
  if (!rewrite) return;
  for (const field of ["uri", "authority"] as const) check.headerText(rewrite[field], [...path, "rewrite", field]);
  if (rewrite.uri && rewrite.uriRegexRewrite) check.fail([...path, "rewrite"], "give uri or uriRegexRewrite, not both");
  if (!rewrite.uri && !rewrite.authority && !rewrite.uriRegexRewrite)
    check.fail([...path, "rewrite"], "one of uri, authority and uriRegexRewrite is needed");
  for (const field of ["match", "rewrite"] as const)
    if (rewrite.uriRegexRewrite?.[field] === "")
      check.fail([...path, "rewrite", "uriRegexRewrite", field], "must not be empty");
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
  check.duration(retries.backoff, [...path, "backoff"]);
  const { attempts = 0 } = retries;
  if (attempts < 0) check.fail([...path, "attempts"], "must not be negative");
  if (attempts === 0 && (retries.perTryTimeout || retries.retryOn || retries.retryRemoteLocalities !== undefined))
    check.fail(
      [...path, "attempts"],
      `is ${retries.attempts ?? "not given, and so 0"}, which switches retries off; then nothing else may be set`,
    );
  for (const word of retries.retryOn ? retries.retryOn.split(",") : [])
    if (!RETRY_CONDITIONS.has(word) && !(/^[1-5]\d\d$/.test(word) && STATUS_CODES[word]))
      check.fail([...path, "retryOn"], `"${word}" is no retry condition`);
}

function checkFault(fault: HttpRoute["fault"], path: Path, check: Checker): void {
  if (!fault) return;
  const { delay, abort } = fault;
  if (!delay && !abort) check.fail(path, "one of delay and abort is needed");
  checkPercentage(delay?.percentage?.value, [...path, "delay", "percentage", "value"], check);
  checkPercentage(abort?.percentage?.value, [...path, "abort", "percentage", "value"], check);
  if (delay && delay.fixedDelay === undefined) check.fail([...path, "delay", "fixedDelay"], "is required");
  check.duration(delay?.fixedDelay, [...path, "delay", "fixedDelay"]);
  if (!abort) return;
  const { httpStatus: status, grpcStatus } = abort;
  if (status !== undefined && (status < 200 || status > 599))
    check.fail([...path, "abort", "httpStatus"], `must be from 200 to 599, not ${status}`);
  if (status === undefined && grpcStatus === undefined)
    check.fail([...path, "abort"], "one of httpStatus and grpcStatus is needed");
  if (status !== undefined && grpcStatus !== undefined)
    check.fail([...path, "abort", "grpcStatus"], "cannot be together with httpStatus");
}

function checkPercentage(value: number | undefined, path: Path, check: Checker): void {
  if (value !== undefined && value > 0 && value < 0.0001)
    check.fail(path, `must be 0, or from 0.0001 to 100, not ${value}`);
}

const CORS_METHODS = new Set("GET HEAD POST PUT PATCH DELETE CONNECT OPTIONS TRACE *".split(" "));

function checkCors(cors: HttpRoute["corsPolicy"], path: Path, check: Checker): void {
  if (!cors) return;
  check.duration(cors.maxAge, [...path, "maxAge"]);
  if (cors.maxAge !== undefined && (parseDuration(cors.maxAge) ?? 0) % 1000 !== 0)
    check.fail([...path, "maxAge"], `must be whole seconds, not ${cors.maxAge}`);
  for (const [i, origin] of (cors.allowOrigins ?? []).entries()) {
    const at = [...path, "allowOrigins", i];
    if (!origin.exact && !origin.prefix && !origin.regex) check.fail(at, "one of exact, prefix and regex is needed");
    else check.stringMatch(origin, at);
  }
  for (const [i, method] of (cors.allowMethods ?? []).entries())
    if (!CORS_METHODS.has(method))
      check.fail([...path, "allowMethods", i], `"${method}" is none of ${[...CORS_METHODS].join(", ")}`);
  for (const field of ["allowHeaders", "exposeHeaders"] as const)
    for (const [i, name] of (cors[field] ?? []).entries())
      if (name !== "*" && !isToken(name)) check.fail([...path, field, i], `"${name}" is no name of a header`);
}
