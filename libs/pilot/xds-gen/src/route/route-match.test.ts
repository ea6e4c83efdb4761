import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { RouteMatchSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { HttpMatch } from "@xebec/model-resources";
import { classOf } from "../scope/proxy-class.ts";
import { jsonOf, proxy, snapshotOf } from "../small-mesh.testkit.ts";
import { appliesHere, isCatchAll, routeMatch, routeName } from "./route-match.ts";

const matchOf = (match: HttpMatch | undefined): unknown =>
  jsonOf(RouteMatchSchema, toBinary(RouteMatchSchema, create(RouteMatchSchema, routeMatch(match))));
const header = (name: string, rest: object): object => ({ prefix: "/", headers: [{ name, ...rest }] });
const exact = (text: string): object => ({ string_match: { exact: text } });

describe("a match becomes Envoy's", () => {
  for (const [name, match, expected] of [
    ["everything when there is none", undefined, { prefix: "/" }],
    ["everything when it is empty", {}, { prefix: "/" }],
    ["a prefix", { uri: { prefix: "/api" } }, { prefix: "/api" }],
    ["a path", { uri: { exact: "/api" } }, { path: "/api" }],
    ["a regular expression", { uri: { regex: "/a.*" } }, { safe_regex: { regex: "/a.*" } }],
    ["everything for the expression *", { uri: { regex: "*" } }, { prefix: "/" }],
    ["a path in any case", { uri: { exact: "/Api" }, ignoreUriCase: true }, { path: "/Api", case_sensitive: false }],
    [
      "no case for a regular expression, which cannot have it",
      { uri: { regex: "a" }, ignoreUriCase: true },
      { safe_regex: { regex: "a" } },
    ],
    [
      "method, scheme and authority as headers",
      { method: { exact: "GET" }, scheme: { exact: "https" }, authority: { prefix: "a" } },
      {
        prefix: "/",
        headers: [
          { name: ":scheme", ...exact("https") },
          { name: ":method", ...exact("GET") },
          { name: ":authority", string_match: { prefix: "a" } },
        ],
      },
    ],
    ["a header's value", { headers: { "end-user": { exact: "jason" } } }, header("end-user", exact("jason"))],
    ["an empty value, which is not absence", { headers: { a: { exact: "" } } }, header("a", exact(""))],
    ["a header that is present", { headers: { a: {} } }, header("a", { present_match: true })],
    [
      "a header that is present, by the expression *",
      { headers: { a: { regex: "*" } } },
      header("a", { present_match: true }),
    ],
    [
      "a header by expression",
      { headers: { a: { regex: "x+" } } },
      header("a", { string_match: { safe_regex: { regex: "x+" } } }),
    ],
    [
      "a header that is absent",
      { withoutHeaders: { a: {} } },
      header("a", { present_match: true, invert_match: true }),
    ],
    [
      "a header without this value, absent ones too",
      { withoutHeaders: { a: { exact: "x" } } },
      header("a", { ...exact("x"), invert_match: true, treat_missing_header_as_empty: true }),
    ],
    [
      "headers in the order of their names",
      { headers: { b: {}, a: {} } },
      {
        prefix: "/",
        headers: [
          { name: "a", present_match: true },
          { name: "b", present_match: true },
        ],
      },
    ],
    [
      "a query parameter",
      { queryParams: { q: { exact: "1" } } },
      { prefix: "/", query_parameters: [{ name: "q", string_match: { exact: "1" } }] },
    ],
    [
      "a query parameter that is present",
      { queryParams: { q: {} } },
      { prefix: "/", query_parameters: [{ name: "q", present_match: true }] },
    ],
  ] as const satisfies readonly (readonly [string, HttpMatch | undefined, object])[])
    it(name, () => assert.deepEqual(matchOf(match), expected));
});

describe("a match applies", () => {
  const proxyClass = classOf(proxy({ LABELS: { app: "web", version: "v1" } }), {
    ...snapshotOf([]),
    selectorLabels: new Set(["app", "version"]),
  });
  const mesh = { gateways: new Set(["mesh"]), port: 9080 };
  const resolve = (text: string): string => (text.includes("/") || text === "mesh" ? text : `default/${text}`);
  for (const [name, match, binding, expected] of [
    ["everywhere when it says nothing", {}, mesh, true],
    ["at its port", { port: 9080 }, mesh, true],
    ["at no other port", { port: 80 }, mesh, false],
    ["to a workload with its labels", { sourceLabels: { app: "web" } }, mesh, true],
    ["to no workload that lacks one of them", { sourceLabels: { app: "web", tier: "x" } }, mesh, false],
    ["to no workload with other labels", { sourceLabels: { app: "x" } }, mesh, false],
    ["in its namespace", { sourceNamespace: "default" }, mesh, true],
    ["in no other namespace", { sourceNamespace: "prod" }, mesh, false],
    ["in the mesh when it names it", { gateways: ["mesh"] }, mesh, true],
    ["not in the mesh when it names gateways alone", { gateways: ["web"] }, mesh, false],
    ["at a gateway that it names", { gateways: ["web"] }, { gateways: new Set(["default/web"]), port: 80 }, true],
    ["at no other gateway", { gateways: ["x/web"] }, { gateways: new Set(["default/web"]), port: 80 }, false],
    [
      "by its gateways alone when it has some, as in Istio",
      { gateways: ["mesh"], sourceLabels: { app: "x" } },
      mesh,
      true,
    ],
  ] as const)
    it(name, () => assert.equal(appliesHere(match as HttpMatch, binding, proxyClass, resolve), expected));
});

describe("a match that takes every request", () => {
  for (const match of [
    undefined,
    {},
    { uri: { prefix: "/" } },
    { uri: { regex: ".*" } },
    { uri: { regex: "*" } },
    { headers: {} },
  ])
    it(`is ${JSON.stringify(match)}`, () => assert.equal(isCatchAll(match as HttpMatch), true));
  for (const match of [
    ...[{ uri: { prefix: "/a" } }, { uri: { exact: "/" } }, { uri: { regex: ".+" } }, { method: { exact: "GET" } }],
    ...[
      { headers: { a: {} } },
      { withoutHeaders: { a: {} } },
      { queryParams: { a: {} } },
      { scheme: { exact: "http" } },
    ],
    { authority: { exact: "a" } },
  ])
    it(`is not ${JSON.stringify(match)}`, () => assert.equal(isCatchAll(match as HttpMatch), false));
});

describe("the name of a route", () => {
  for (const [rule, match, expected] of [
    [{}, undefined, ""],
    [{ name: "a" }, undefined, "a"],
    [{ name: "a" }, { name: "b" }, "a.b"],
    [{}, { name: "b" }, "b"],
  ] as const)
    it(`is "${expected}"`, () => assert.equal(routeName(rule, match), expected));
});
