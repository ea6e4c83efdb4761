import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { celError, withoutTextConversion } from "./cel.ts";

// What Envoy 1.40 takes and refuses was tried out with its own validation.

describe("an expression of CEL", () => {
  for (const text of [
    "response.code >= 400",
    "request.path + 'x' == 'y'",
    "has(request.path)",
    "request.headers['x'] in ['a', 'b']",
    "{'a': 1}['a'] == 1",
    `request.path.startsWith('/a') && !request.path.endsWith("b") || request.size % 2 == 0`,
    "a ? b : c ? d : e",
    "r'raw\\d' == \"x\"",
    "timestamp('2020-01-01T00:00:00Z') < request.time",
    "size(request.path) > 1u",
    "b'abc' == b'abc'",
    ".a.b",
    "1 < 2 < 3",
    "!!true && -1 == - 1",
    '"""x\n""" == \'x\'',
    "request.time.getHours() == 1 // at night",
  ])
    it(`${text} is accepted`, () => assert.equal(celError(text), undefined));

  for (const [text, error] of [
    ["", /at its end/],
    ["x ==", /at its end/],
    ['"unterminated', /at ""untermin/],
    ["string(destination.port) == '1'", /string\(\), which Envoy does not have/],
    ["nofunction(request.path)", /nofunction/],
    ["a.b.c()", /\.c\(\)/],
    ["[1, 2].all(x, x > 1)", /all\(\), which Envoy does not allow/],
    ["Foo{a: 1} == 1", /message Foo/],
    ["request.path.matches('(')", /regular expression/],
    ["request.?x == 1", /at "\?"/],
    ["a b", /at "b"/],
    ["(a", /where \) is expected/],
    ["a[1", /where \] is expected/],
    ["x in", /at its end/],
    ["for", /at "for"/],
    [`${"(".repeat(60)}a${")".repeat(60)}`, /deeper/],
    ["x".repeat(5000), /longer/],
  ] as const)
    it(`${text.slice(0, 40)} is refused`, () => assert.match(celError(text) ?? "", error));

  it("is text anyway where its value becomes text", () => {
    assert.equal(withoutTextConversion(" string(destination.port) "), "destination.port");
    for (const text of ["string(a) + string(b)", "destination.port"]) assert.equal(withoutTextConversion(text), text);
  });
});
