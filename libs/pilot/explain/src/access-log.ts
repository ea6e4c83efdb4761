import { XebecError } from "@xebec/core-errors";
import { type FlagMeaning, flagMeanings, flagsOfStatus, RESPONSE_FLAGS } from "./response-flags.ts";

/** What an access log line says of one request; empty where it says nothing. */
export interface AccessLogLine {
  readonly method: string;
  readonly path: string;
  readonly code: string;
  readonly flags: string;
  /** Envoy's `%RESPONSE_CODE_DETAILS%`. */
  readonly details: string;
  readonly transportFailure: string;
  readonly authority: string;
  readonly upstreamHost: string;
  readonly cluster: string;
  readonly route: string;
}

/** Istio's default text format, up to the fields that are read here; older versions have fewer fields after the flags. */
const TEXT = /^\[[^\]]*\] "(?<method>\S+) (?<path>\S+) [^"]*" (?<code>\d+) (?<flags>\S+) (?<rest>.*)$/;
const NONE = "-";

/**
 * Reads a line of an access log in Istio's text or JSON format, or what a user remembers of it: a status, flags, `503 UF,URX`.
 * @throws XebecError invalid_argument for anything else
 */
export function readAccessLog(text: string): AccessLogLine {
  const line = text.trim();
  if (line.startsWith("{")) return fromJson(line);
  const found = TEXT.exec(line)?.groups;
  if (found) return fromText(found);
  const words = line.split(/[\s]+/);
  const code = words.find((each) => /^[1-5]\d\d$/.test(each)) ?? "";
  const flags = words.filter((each) => each.split(",").every((flag) => RESPONSE_FLAGS.includes(flag))).join(",");
  if (code === "" && flags === "")
    throw new XebecError(
      "invalid_argument",
      `"${line.slice(0, 80)}" is neither a line of an access log, nor a status such as 503, nor response flags such as UF,URX`,
    );
  return { ...EMPTY, code, flags };
}

const EMPTY: AccessLogLine = {
  ...{ method: "", path: "", code: "", flags: "", details: "", transportFailure: "" },
  ...{ authority: "", upstreamHost: "", cluster: "", route: "" },
};

function fromText({ method = "", path = "", code = "", flags = "", rest = "" }: Record<string, string>): AccessLogLine {
  // Quoted fields may hold blanks.
  const fields = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map((each) => each[1] ?? each[2] ?? "");
  const quoted = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((each) => each[1] ?? "");
  // The last two quoted fields are the authority and the upstream host; the cluster follows them.
  const [authority = "", upstreamHost = ""] = quoted.slice(-2);
  const at = fields.lastIndexOf(upstreamHost);
  // Since Istio 1.6 details stand behind the flags, since 1.8 details of the connection's end, too.
  const hasDetails =
    fields[0] !== undefined && !fields[0].startsWith('"') && !/^\d+$/.test(fields[0]) && quoted[0] !== fields[0];
  return known({
    ...{ method, path, code, flags, authority, upstreamHost },
    details: hasDetails ? (fields[0] ?? "") : "",
    transportFailure: hasDetails && quoted.length > 5 ? (quoted[0] ?? "") : "",
    cluster: fields[at + 1] ?? "",
    route: fields.length > at + 6 ? (fields.at(-1) ?? "") : "",
  });
}

function fromJson(line: string): AccessLogLine {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new XebecError("invalid_argument", "the line of the access log is not JSON", { cause });
  }
  const of = (name: string): string => (value[name] === undefined || value[name] === null ? "" : String(value[name]));
  return known({
    ...{ method: of("method"), path: of("path"), code: of("response_code"), flags: of("response_flags") },
    ...{ details: of("response_code_details"), transportFailure: of("upstream_transport_failure_reason") },
    ...{ authority: of("authority"), upstreamHost: of("upstream_host") },
    ...{ cluster: of("upstream_cluster"), route: of("route_name") },
  });
}

function known(line: AccessLogLine): AccessLogLine {
  return Object.fromEntries(
    Object.entries(line).map(([field, value]) => [field, value === NONE ? "" : value]),
  ) as unknown as AccessLogLine;
}

/** Why a request ended as it did. */
export interface ResponseExplanation {
  readonly line: AccessLogLine;
  /** What is known for certain, a sentence each. */
  readonly facts: readonly string[];
  readonly flags: readonly FlagMeaning[];
  /** Of a status alone: the flags that the line of the access log may have. */
  readonly possibleFlags: readonly FlagMeaning[];
}

/** What the details of Envoy's answers mean (envoyproxy.io, "Response Code Details"). */
const DETAILS: readonly (readonly [RegExp, (found: readonly string[]) => string])[] = [
  [/^via_upstream$/, () => "The application answered with this status itself; the mesh passed it on."],
  [
    /^rbac_access_denied_matched_policy\[(.*)\]$/,
    ([, policy]) =>
      policy === "none"
        ? "An AuthorizationPolicy with the action ALLOW selects the workload, and no rule allows the request."
        : `The rule ${policyName(policy ?? "")} denied the request.`,
  ],
  [
    /^jwt_authn_access_denied\{(.*)\}$/,
    ([, why]) => `The token was refused: ${(why ?? "").replaceAll("_", " ")} (RequestAuthentication).`,
  ],
  [
    /^ext_authz_denied/,
    () => "An external authorizer denied the request: mixer-policy, or the provider of a CUSTOM policy.",
  ],
  [
    /^lua_response$/,
    () =>
      "A script of the proxy gave the answer: Mixer's rules that Envoy decides itself (mixer-policy.md), or an EnvoyFilter's.",
  ],
  [/^ext_authz_error/, () => "The external authorizer did not answer."],
  [
    /^(route_not_found|filter_chain_not_found)$/,
    ([, what]) =>
      what === "route_not_found" ? "No route takes the host and path." : "No filter chain takes the connection.",
  ],
  [/^cluster_not_found$/, () => "The route leads to a cluster that the proxy does not have."],
  [/^no_healthy_upstream$/, () => "The cluster has no healthy endpoint."],
  [/^fault_filter_abort$/, () => "A VirtualService injects this fault."],
  [/^direct_response$/, () => "The route itself gives this answer (a redirect or `directResponse`)."],
  [
    /^upstream_reset_before_response_started\{(.*?)(?:[|,](.*))?\}$/,
    ([, why]) => `The connection to the server ended before its answer: ${(why ?? "").replaceAll("_", " ")}.`,
  ],
  [/^response_timeout$/, () => "The server did not answer in time."],
  [/^upstream_max_stream_duration_reached$/, () => "The request took longer than the route allows."],
  [/^local_rate_limited$/, () => "A local rate limit refused the request."],
];

/** `ns[default]-policy[deny]-rule[0]` as a user names it. */
function policyName(text: string): string {
  const found = /^ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]$/.exec(text);
  return found ? `${found[3]} of the AuthorizationPolicy ${found[1]}/${found[2]}` : `"${text}"`;
}

/** Says what an access log line means: cluster, endpoint and policy, and the likely causes in order. */
export function explainResponse(line: AccessLogLine): ResponseExplanation {
  const facts: string[] = [];
  for (const [pattern, sentence] of DETAILS) {
    const found = pattern.exec(line.details);
    if (found) facts.push(sentence(found));
  }
  if (line.cluster)
    facts.push(
      `The request was routed to the cluster ${line.cluster}${line.route ? ` by the route ${line.route}` : ""}.`,
    );
  if (line.upstreamHost) facts.push(`The endpoint was ${line.upstreamHost}.`);
  else if (line.cluster && line.flags) facts.push("No endpoint was reached.");
  if (line.transportFailure) facts.push(`TLS or the connection failed: ${line.transportFailure.replaceAll("_", " ")}.`);
  // A line without flags says that the application gave the answer; a status alone says nothing of them.
  const isStatusAlone = line.method === "" && line.flags === "" && line.details === "";
  return {
    ...{ line, facts, flags: flagMeanings(line.flags) },
    possibleFlags: isStatusAlone ? flagMeanings(flagsOfStatus(line.code)) : [],
  };
}
