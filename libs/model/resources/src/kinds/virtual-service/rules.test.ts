import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkSpec } from "../../check-spec.testkit.ts";
import { virtualService } from "./index.ts";

const to = { route: [{ destination: { host: "cart" } }] };
const said = (...http: object[]): string => checkSpec(virtualService, { hosts: ["cart"], http });

describe("what is too large for a golden pair", () => {
  it("is a body", () => {
    const body = (value: object): string => said({ directResponse: { status: 200, body: value } });
    assert.match(body({ string: "x".repeat(110_000) }), /^warning: .*100 KiB/);
    assert.match(body({ bytes: "eHh4".repeat(400_000) }), /not be larger than 1 MiB/);
  });

  it("are regular expressions, together and as they are compiled", () => {
    const regexes = (repeat: string): object[] =>
      Array.from({ length: 200 }, (_, i) => ({ match: [{ uri: { regex: `/${i}/[a-z]${repeat}` } }], ...to }));
    assert.equal(said(...regexes("{1,100}")), "ok");
    assert.match(said(...regexes("{1,1000}")), /regular expressions of this object too large together/);
    assert.match(said({ match: [{ uri: { regex: "a".repeat(1025) } }], ...to }), /is longer than 1024 characters/);
  });
});

describe("a value that Envoy could not be given", () => {
  const status = (grpcStatus: string): string => said({ ...to, fault: { abort: { percent: 1, grpcStatus } } });
  for (const name of ["OK", "NOT_FOUND", "UNAUTHENTICATED"])
    it(`is not the gRPC status ${name}`, () => assert.equal(status(name), "ok"));
  for (const name of ["", "17", "-1", "not_found", "constructor", "NOT_FOUND ", "1e1"])
    it(`is the gRPC status "${name}"`, () =>
      assert.match(status(name), /^spec\.http\[0\]\.fault\.abort\.grpcStatus: /));
  for (const attempts of [2 ** 31, 1e21, 1.5])
    it(`is ${attempts} retries`, () =>
      assert.match(said({ ...to, retries: { attempts } }), /attempts: must be an integer/));
});
