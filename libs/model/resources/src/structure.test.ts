import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kindOf } from "./kinds.ts";
import { checkStructure, pathText } from "./structure.ts";

/** The faults of a spec, as users see them. */
function faults(kind: string, spec: unknown): string[] {
  const group = kind === "MeshConfig" ? "mesh.xebec.io" : "networking.istio.io";
  const found = kindOf(group, kind);
  assert.ok(found);
  return checkStructure(found.schema, spec).violations.map((each) => `${pathText(each.path)}: ${each.message}`);
}

const http = (rule: object): string[] => faults("VirtualService", { hosts: ["a"], http: [rule] });

describe("the structure of an object", () => {
  for (const [name, found, expected] of [
    ["is right", http({ timeout: "1s" }), []],
    ["may have fields without value", http({ timeout: null }), []],
    ["may have protobuf's names", http({ direct_response: { status: 200 } }), []],
    [
      "has no field twice, under both names",
      http({ direct_response: { status: 200 }, directResponse: { status: 200 } }),
      ["spec.http[0].direct_response: is given twice, also as directResponse"],
    ],
    ["has no unknown field", http({ timout: "1s" }), ["spec.http[0].timout: unknown field; did you mean timeout?"]],
    ["has no field that every object has", http({ constructor: {} }), ["spec.http[0].constructor: unknown field"]],
    [
      "has lists where lists are due",
      faults("VirtualService", { hosts: "a" }),
      ['spec.hosts: must be a list, not "a"'],
    ],
    ["has maps where maps are due", faults("VirtualService", []), ["spec: must be a map, not a list"]],
    ["has what is required", faults("DestinationRule", {}), ["spec.host: is required"]],
    [
      "says once that something is required and wrong",
      faults("VirtualService", { hosts: [] }),
      ["spec.hosts: must not be empty"],
    ],
    [
      "has numbers in their range",
      http({ match: [{ port: 70_000 }] }),
      ["spec.http[0].match[0].port: must be a whole number from 1 to 65535, not 70000"],
    ],
  ] as const)
    it(name, () => assert.deepEqual(found, expected));

  it("is not looked at any deeper than sixty-four levels", () => {
    let deep: unknown = "x";
    for (let i = 0; i < 10_000; i++) deep = [deep];
    assert.ok(faults("VirtualService", { hosts: deep }).length > 0);
  });
});

describe("a value that Envoy could not be given", () => {
  for (const status of ["OK", "NOT_FOUND", "UNAUTHENTICATED"])
    it(`is not the gRPC status ${status}`, () =>
      assert.deepEqual(http({ fault: { abort: { grpcStatus: status } } }), []));
  for (const status of ["", "17", "-1", "not_found", "constructor", "NOT_FOUND ", "1e1"])
    it(`is the gRPC status "${status}"`, () => {
      assert.match(
        http({ fault: { abort: { grpcStatus: status } } }).join(),
        /^spec\.http\[0\]\.fault\.abort\.grpcStatus: /,
      );
    });
  for (const attempts of [2 ** 31, 1e21, 1.5])
    it(`is ${attempts} retries`, () => assert.equal(http({ retries: { attempts } }).length, 1));
  for (const [text, count] of [
    ["10s", 0],
    ["1m30s", 0],
    ["1.5s", 0],
    ["-1s", 1],
    ["10", 1],
    ["soon", 1],
  ] as const)
    it(`is ${count === 0 ? "not " : ""}the connect time-out ${text}`, () => {
      assert.equal(faults("MeshConfig", { connectTimeout: text }).length, count);
    });
});
