import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { TcpProxySchema } from "@xebec/api-envoy/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import { type Json, jsonOf, object, scopeOf, snapshotOf } from "../../small-mesh.testkit.ts";
import { accessLogs } from "./access-logs.ts";

function logs(spec: object): Json[] {
  const mesh = object("MeshConfig", "mesh", spec, { namespace: "istio-system" });
  const accessLog = accessLogs(scopeOf(snapshotOf([mesh])), "outbound", "tcp");
  const message = create(TcpProxySchema, {
    statPrefix: "x",
    clusterSpecifier: { case: "cluster", value: "x" },
    accessLog,
  });
  return jsonOf(TcpProxySchema, toBinary(TcpProxySchema, message)).access_log ?? [];
}

describe("the access log of a proxy", () => {
  const file = "/var/log/a";
  const format = (spec: object): Json => logs({ accessLogFile: file, ...spec })[0].typed_config.log_format;

  it("is not written unless a file is named", () => assert.deepEqual(logs({}), []));
  it("goes to standard output by a logger of its own", () => {
    assert.match(logs({ accessLogFile: "/dev/stdout" })[0].typed_config["@type"], /StdoutAccessLog$/);
    assert.equal(logs({ accessLogFile: file })[0].typed_config.path, file);
  });
  it("is text in Istio's format or its own", () => {
    assert.match(format({}).text_format_source.inline_string, /^\[%START_TIME%\] "%REQ\(:METHOD\)%/);
    assert.equal(format({ accessLogFormat: "%PROTOCOL%\n" }).text_format_source.inline_string, "%PROTOCOL%\n");
  });
  it("is JSON with its own fields", () => {
    const json = format({ accessLogEncoding: "JSON", accessLogFormat: '{"p":"%PROTOCOL%"}' }).json_format;
    assert.deepEqual(json, { p: "%PROTOCOL%" });
  });
  for (const accessLogFormat of ["", "no JSON", "[1]", "null", "7", '{"a":'])
    it(`is JSON with the usual fields for the format "${accessLogFormat}"`, () => {
      const json = format({ accessLogEncoding: "JSON", accessLogFormat }).json_format;
      assert.equal(json.response_code, "%RESPONSE_CODE%");
    });
});
