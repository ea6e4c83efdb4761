import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http2";
import { describe, it } from "node:test";
import { echo, talk } from "./echo.testkit.ts";
import { ask, withRawSession } from "./raw-client.testkit.ts";

const requests: readonly {
  what: string;
  path?: string;
  headers?: OutgoingHttpHeaders;
  http: number;
  grpc?: string;
  text?: RegExp;
}[] = [
  { what: "an ordinary call", http: 200, grpc: "0" },
  { what: "a named message format", headers: { "content-type": "application/grpc+proto" }, http: 200, grpc: "0" },
  { what: "a parameter", headers: { "content-type": "application/grpc;charset=utf-8" }, http: 200, grpc: "0" },
  { what: "no te", headers: { te: undefined }, http: 200, grpc: "0" },
  { what: "gRPC-Web", headers: { "content-type": "application/grpc-web" }, http: 415 },
  { what: "JSON", headers: { "content-type": "application/json" }, http: 415 },
  { what: "no content type", headers: { "content-type": undefined }, http: 415 },
  { what: "another HTTP method", headers: { ":method": "PUT" }, http: 405 },
  { what: "a method that is not there", path: "/t.T/None", http: 200, grpc: "12", text: /t\.T\/None is not offered/ },
  { what: "an unknown encoding", headers: { "grpc-encoding": "br" }, http: 200, grpc: "12", text: /br.*deflate,gzip/ },
  { what: "a timeout in hours", headers: { "grpc-timeout": "99999999H" }, http: 200, grpc: "0" },
  { what: "a timeout in nanoseconds", headers: { "grpc-timeout": "99999999n" }, http: 200, grpc: "0" },
  {
    what: "a timeout without unit",
    headers: { "grpc-timeout": "100" },
    http: 200,
    grpc: "3",
    text: /"100" is not a time/,
  },
  { what: "a timeout of zero", headers: { "grpc-timeout": "0S" }, http: 200, grpc: "3", text: /0S is no time/ },
  {
    what: "a timeout of nine digits",
    headers: { "grpc-timeout": "123456789m" },
    http: 200,
    grpc: "3",
    text: /is not a time/,
  },
];

describe("a request is taken or refused by its headers:", () => {
  for (const { what, path, headers, http, grpc, text } of requests)
    for (const target of path ? [path] : ["/t.T/Echo", "/t.T/Talk"])
      it(`${what}, ${target}`, async () => {
        await withRawSession({ services: [echo, talk] }, async (session) => {
          const got = await ask(session, target, Uint8Array.of(5), headers);
          assert.deepEqual([got.headers[":status"], got.grpcStatus], [http, grpc]);
          if (grpc === "0") assert.deepEqual(got.messages, [Buffer.of(5)]);
          if (grpc !== "0" && http === 200) assert.equal(got.headers["grpc-accept-encoding"], "identity,deflate,gzip");
          if (text) assert.match(decodeURIComponent(got.grpcMessage ?? ""), text);
        });
      });
});
