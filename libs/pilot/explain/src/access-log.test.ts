import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainResponse, readAccessLog } from "./index.ts";

const CLUSTER = "outbound|9080|v1|reviews.default.svc.cluster.local";
const TODAY = `[2026-11-29T07:00:00.000Z] "GET /reviews/0 HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} - "TLS_error:_certificate_verify_failed" 0 95 12 - "-" "curl/8.0 (x y)" "1f2e" "reviews:9080" "10.1.0.5:9080" ${CLUSTER} - 10.96.0.3:9080 10.1.0.2:40000 - reviews-route`;
const OLD = `[2019-03-06T09:31:27.360Z] "GET /status/418 HTTP/1.1" 418 - 0 135 5 2 "-" "curl/7.60.0" "d209e46f" "httpbin:8000" "127.0.0.1:80" inbound|8000|http|httpbin.default.svc.cluster.local - 172.30.146.73:80 172.30.146.82:38618 outbound_.8000_._.httpbin.default`;

describe("a line of an access log", () => {
  it("is read in today's text format", () => {
    const line = readAccessLog(TODAY);
    assert.deepEqual(line, {
      ...{ method: "GET", path: "/reviews/0", code: "503", flags: "UF,URX" },
      details:
        "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
      transportFailure: "TLS_error:_certificate_verify_failed",
      ...{ authority: "reviews:9080", upstreamHost: "10.1.0.5:9080", cluster: CLUSTER, route: "reviews-route" },
    });
  });

  it("is read in Istio 1.1's text format", () => {
    const { code, flags, details, authority, upstreamHost, cluster } = readAccessLog(OLD);
    assert.deepEqual([code, flags, details, authority, upstreamHost], ["418", "", "", "httpbin:8000", "127.0.0.1:80"]);
    assert.equal(cluster, "inbound|8000|http|httpbin.default.svc.cluster.local");
  });

  it("is read in JSON", () => {
    const json = JSON.stringify({
      response_code: 403,
      response_flags: "-",
      response_code_details: "rbac_access_denied_matched_policy[none]",
      upstream_host: null,
    });
    const { code, flags, upstreamHost } = readAccessLog(json);
    assert.deepEqual([code, flags, upstreamHost], ["403", "", ""]);
  });

  it("of a status alone says with which flags a proxy gives it, not that the application did", () => {
    const possible = (text: string): string[] =>
      explainResponse(readAccessLog(text)).possibleFlags.map((each) => each.flag);
    assert.deepEqual(possible("503").slice(0, 3), ["UF", "UH", "UC"]);
    assert.deepEqual(possible("418"), []);
    assert.deepEqual(possible("503 UC"), []);
    assert.deepEqual(possible(OLD.replaceAll("418", "503")), [], "a whole line without flags is the application's");
  });

  it("may be a status and flags alone", () => {
    assert.deepEqual([readAccessLog("503 UC").code, readAccessLog("503 UC").flags], ["503", "UC"]);
    assert.deepEqual(readAccessLog("NR").flags, "NR");
    assert.throws(() => readAccessLog("something else"), /neither a line of an access log/);
    assert.throws(() => readAccessLog("{"), /not JSON/);
  });
});

describe("what a line means", () => {
  const facts = (details: string): string => explainResponse({ ...readAccessLog("403"), details }).facts.join(" ");

  it("names cluster, route, endpoint, and causes in order", () => {
    const { facts: all, flags } = explainResponse(readAccessLog(TODAY));
    assert.match(
      all.join("\n"),
      /cluster outbound\|9080\|v1\|reviews.*by the route reviews-route\.\nThe endpoint was 10\.1\.0\.5:9080\.\nTLS or the connection failed: TLS error: certificate/,
    );
    assert.deepEqual(
      flags.map(({ flag }) => flag),
      ["UF", "URX"],
    );
    assert.match(flags[0]?.causes[0] ?? "", /nobody listens/);
  });

  it("names the policy that denied it", () => {
    assert.match(
      facts("rbac_access_denied_matched_policy[ns[default]-policy[deny]-rule[1]]"),
      /1 of the AuthorizationPolicy default\/deny denied/,
    );
    assert.match(facts("rbac_access_denied_matched_policy[none]"), /no rule allows/);
    assert.match(facts("jwt_authn_access_denied{Jwt_is_expired}"), /Jwt is expired/);
    assert.match(facts("via_upstream"), /application answered with this status itself/);
  });
});
