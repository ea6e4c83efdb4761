import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkSpec } from "../../check-spec.testkit.ts";
import { meshConfig } from "./index.ts";

describe("the format of a JSON access log", () => {
  const said = (mesh: object): string => checkSpec(meshConfig, mesh);
  const refused: [string, RegExp][] = [
    ["[%START_TIME%] %PROTOCOL%\n", /^spec\.accessLogFormat: accessLogEncoding is JSON, and this is not JSON \(/],
    ['{"code":', /is not JSON \(.*\); write for example \{"code": "%RESPONSE_CODE%"\}/],
    ["[1]", /is not a JSON object/],
    ["null", /is not a JSON object/],
    ["7", /is not a JSON object/],
    [`{"a":${"[".repeat(30)}${"]".repeat(30)}}`, /is nested deeper than 16 levels/],
  ];
  for (const [accessLogFormat, message] of refused) {
    it(`${accessLogFormat} is refused`, () =>
      assert.match(said({ accessLogEncoding: "JSON", accessLogFormat }), message));
    it(`${accessLogFormat} is a string as any other`, () => assert.equal(said({ accessLogFormat }), "ok"));
  }
  for (const accessLogFormat of ["", '{"code":"%RESPONSE_CODE%","a":{"b":["%PROTOCOL%"]}}'])
    it(`"${accessLogFormat}" is accepted`, () =>
      assert.equal(said({ accessLogEncoding: "JSON", accessLogFormat }), "ok"));
});

describe("the commands of an access log", () => {
  const said = (accessLogFormat: string): string => checkSpec(meshConfig, { accessLogFormat });
  for (const text of ["100%", "%REQ(X", "%protocol%", "%PROTOCOL%%", "% PROTOCOL%"])
    it(`${text} is refused`, () =>
      assert.match(said(text), /^spec\.accessLogFormat: "%.*" is not a command; write %COMMAND%/));
  for (const text of [
    "100%%",
    "%REQ(A):5%%PROTOCOL%%%",
    "%REQ(X?Y):10%|%START_TIME(%Y/%m/%dT%H:%M:%S%z)%",
    "%CEL(size(request.path))% %PROTOCOL%",
  ])
    it(`${text} is accepted`, () => assert.equal(said(text), "ok"));
  for (const [text, message] of [
    [
      "%RESPONSE_COD%",
      /^spec\.accessLogFormat: %RESPONSE_COD% is not a command of Envoy's; did you mean RESPONSE_CODE\?$/,
    ],
    ["%NOTHING_LIKE_IT%", /is not a command of Envoy's; write %% for a percent sign$/],
    ["%REQ%", /%REQ% needs what it is about: %REQ\(WHAT\)%$/],
    ["%ROUTE_NAME:5%", /takes nothing behind its name; write %ROUTE_NAME%$/],
    ["%DURATION(ms)%", /takes nothing behind its name; write %DURATION%$/],
    ["%START_TIME:5%", /takes no length$/],
  ] as const)
    it(`${text} is refused`, () => assert.match(said(text), message));
  it("in a JSON format, too", () =>
    assert.match(
      checkSpec(meshConfig, { accessLogEncoding: "JSON", accessLogFormat: '{"a":{"b":"%NOPE%"}}' }),
      /spec\.accessLogFormat\.a\.b: %NOPE% is not a command/,
    ));
  it("the query may be left out of a path", () => assert.equal(said("%REQ_WITHOUT_QUERY(:PATH)%"), "ok"));
});

it("a Secret for the services of proxies is refused: their TLS is part of the bootstrap", () => {
  for (const service of ["envoyMetricsService", "envoyAccessLogService", "tracing"]) {
    const tlsSettings = { mode: "SIMPLE", credentialName: "x" };
    const given = service === "tracing" ? { tlsSettings } : { address: "a:1", tlsSettings };
    const said = checkSpec(meshConfig, { defaultConfig: { [service]: given } });
    assert.match(said, new RegExp(`${service}\\.tlsSettings\\.credentialName: only files are read here`));
  }
});

describe("the ports of a proxy", () => {
  for (const [spec, said] of [
    [{}, /^ok$/],
    [{ proxyListenPort: 16_001, proxyInboundListenPort: 16_006, proxyHttpPort: 16_080 }, /^ok$/],
    // They change places.
    [{ proxyListenPort: 15_006, proxyInboundListenPort: 15_001 }, /^ok$/],
    [{ proxyListenPort: 15_006 }, /^spec\.proxyInboundListenPort: port 15006 is that of proxyListenPort; each needs/],
    [{ proxyListenPort: 80, proxyInboundListenPort: 80 }, /^spec\.proxyInboundListenPort: port 80 is that of/],
    [{ proxyHttpPort: 15_001 }, /^spec\.proxyHttpPort: port 15001 is that of proxyListenPort/],
    [{ proxyHttpPort: 15_021 }, /that of the proxy's health port/],
    [{ proxyHttpPort: 15_020 }, /that of defaultConfig\.statusPort/],
    [{ proxyListenPort: 17_000, defaultConfig: { proxyAdminPort: 17_000 } }, /that of defaultConfig\.proxyAdminPort/],
  ] as const)
    it(JSON.stringify(spec), () => assert.match(checkSpec(meshConfig, spec), said));
});

describe("the connect time-out", () => {
  for (const [text, said] of [
    ["10s", /^ok$/],
    ["1m30s", /^ok$/],
    ["1.5s", /^ok$/],
    ["-1s", /must be longer than 0/],
    ["10", /is not a duration/],
    ["soon", /is not a duration/],
  ] as const)
    it(text, () => assert.match(checkSpec(meshConfig, { connectTimeout: text }), said));
});
