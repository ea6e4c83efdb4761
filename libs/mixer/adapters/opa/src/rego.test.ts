import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compilePolicy } from "./policy.ts";
import { toJson } from "./values.ts";

/** The values of `data.t.x` for an input. */
function resultOf(rules: string, input: object = {}): unknown {
  const values = compilePolicy([`package t\n${rules}`], "data.t.x").evaluate(input);
  return values.length === 0 ? undefined : toJson(values[0] as never);
}

const INPUT = {
  user: "ann",
  groups: ["a", "b"],
  labels: { app: "web", tier: "1" },
  n: 3,
  nested: [{ id: 1 }, { id: 2 }],
};

// Each line: what x is, by Rego's rules as Open Policy Agent documents them.
const CASES: readonly (readonly [what: string, rules: string, value: unknown])[] = [
  ["a constant", `x = 7`, 7],
  ["a rule that holds", `x { input.user == "ann" }`, true],
  ["a rule that does not", `x { input.user == "bob" }`, undefined],
  ["a default", `default x = false\nx { input.user == "bob" }`, false],
  ["two bodies", `x { input.user == "bob" }\nx { input.n > 2 }`, true],
  ["bodies in a row", `x { input.user == "bob" } { input.n > 2 }`, true],
  ["else", `x = 1 { input.n > 5 } else = 2 { input.n > 2 } else = 3`, 2],
  ["a set", `x[g] { g := input.groups[_] }`, ["a", "b"]],
  ["an object", `x[k] = v { v := input.labels[k] }`, { app: "web", tier: "1" }],
  ["version 1", `import rego.v1\nx contains g if { some g in input.groups; g != "b" }`, ["a"]],
  ["if with one expression", `import future.keywords.if\nx := 1 if input.n == 3`, 1],
  ["every", `import rego.v1\nx if { every g in input.groups { count(g) == 1 } }`, true],
  ["every that fails", `import rego.v1\nx if { every k, v in input.labels { k == "app"; v == "web" } }`, undefined],
  ["in", `import rego.v1\nx if "b" in input.groups`, true],
  ["not", `x { not input.missing }`, true],
  ["not of something that holds", `x { not input.user == "ann" }`, undefined],
  ["not of an undefined variable's use is put last", `x { not y == "c"; y := input.groups[0] }`, true],
  ["order does not matter", `x = y { y > 2; y := input.n }`, 3],
  ["unification both ways", `x = [a, b] { [a, "b"] = ["a", b] }`, ["a", "b"]],
  ["unification of objects", `x = v { {"app": v, "tier": "1"} = input.labels }`, "web"],
  ["an array comprehension", `x = [i | i := input.nested[_].id; i > 1]`, [2]],
  ["a set comprehension", `x = {k | input.labels[k]}`, ["app", "tier"]],
  ["an object comprehension", `x = {v: k | v := input.labels[k]}`, { web: "app", "1": "tier" }],
  ["iteration with an index", `x = i { input.groups[i] == "b" }`, 1],
  ["a function", `double(a) = b { b := a * 2 }\nx = double(input.n)`, 6],
  ["a function with a pattern", `f("ann") = 1\nf("bob") = 2\nx = f(input.user)`, 1],
  ["a function as a condition", `f(a) { a > 2 }\nx { f(input.n) }`, true],
  ["rules that use rules", `x { allowed["ann"] }\nallowed[u] { u := ["ann", "bob"][_] }`, true],
  ["with", `y { input.user == "bob" }\nx { y with input.user as "bob"; not y }`, true],
  ["arithmetic", `x = 1 + 2 * 3 - 4 / 2`, 5],
  ["a difference of sets", `x = {1, 2, 3} - {2}`, [1, 3]],
  ["union and intersection", `x = ({1} | {2, 3}) & {2, 1}`, [1, 2]],
  ["a local variable with a rule's name", `y = 1\nx = y { y := 2 }`, 2],
  ["an import", `import input.labels as l\nx = l.app`, "web"],
  ["a raw string as an expression", "x { regex.match(`^a.n$`, input.user) }", true],
  ["a result as the last argument", `x = n { count(input.groups, n) }`, 2],
  [
    "texts",
    `x = concat("-", [upper("a"), trim("--b-", "-"), replace("cc", "c", "d"), substring("hello", 1, 3)])`,
    "A-b-dd-ell",
  ],
  ["split and sprintf", `x = sprintf("%s is %d of %v", [split("a/b", "/")[1], 2, [1]])`, "b is 2 of [1]"],
  [
    "globs",
    `x { glob.match("*.com", ["."], "a.com"); not glob.match("*.com", ["."], "a.b.com"); glob.match("**.com", ["."], "a.b.com") }`,
    true,
  ],
  [
    "networks",
    `x { net.cidr_contains("10.0.0.0/8", "10.1.2.3"); not net.cidr_contains("10.0.0.0/8", "11.0.0.1"); net.cidr_contains("fd00::/8", "fd12::1") }`,
    true,
  ],
  ["object.get", `x = [object.get(input.labels, "app", "-"), object.get(input, ["labels", "no"], "-")]`, ["web", "-"]],
  ["a token", `x = c.sub { [_, c, _] := io.jwt.decode("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.") }`, "ann"],
  ["an undefined function argument", `x { startswith(input.nothing, "a") }`, undefined],
  ["a type that a function cannot take", `x { startswith(input.n, "a") }`, undefined],
  ["a comment and a semicolon", `# why\nx { input.n > 1; input.n < 9 } # end`, true],
];

describe("Rego", () => {
  for (const [what, rules, value] of CASES) it(what, () => assert.deepEqual(resultOf(rules, INPUT), value));

  it("finds rules of other packages, and whole packages", () => {
    const modules = ["package a.b\nimport data.c\nx { c.f(input.n) }\ny = 1", "package c\nf(n) { n > 2 }"];
    assert.deepEqual(compilePolicy(modules, "data.a.b.x").evaluate({ n: 3 }), [true]);
    assert.deepEqual(toJson(compilePolicy(modules, "data.a").evaluate({ n: 3 })[0] as never), { b: { x: true, y: 1 } });
  });

  for (const [what, text, message] of [
    ["a missing bracket", "package t\nx { input.a[1 }", /policy\[0\]: line 2, column 15: \] must stand here, not }/],
    ["a missing package", "x = 1", /line 1, column 1: package must stand here/],
    ["a function that does not exist", "package t\nx { nothing(1) }", /line 2: there is no function nothing/],
    ["a wrong number of arguments", "package t\nx { count(1, 2, 3) }", /count takes 1 arguments, not 3/],
    ["two defaults", "package t\ndefault x = 1\ndefault x = 2", /has two defaults/],
    ["brackets without end", `package t\nx = ${"[".repeat(5000)}`, /too deep/],
  ] as const)
    it(`refuses ${what}`, () => assert.throws(() => compilePolicy([text], "data.t.x"), message));

  for (const [what, rules, message] of [
    ["a rule that depends on itself", "x { y }\ny { x }", /depends on itself/],
    ["two values of one rule", "x = 1 { input.n }\nx = 2 { input.n }", /has two values/],
    ["a variable without value", "x { y > 1 }", /y has no value/],
    [
      "a policy that takes too long",
      "x { a := numbers[_]; b := numbers[_]; c := numbers[_]; a + b + c < 0 }\nnumbers = [i | i := input.many[_]]",
      /more than 50000 steps/,
    ],
    ["a function without end", "f(a) = b { b := f(a) }\nx = f(1)", /nested too deep/],
  ] as const)
    it(`fails for ${what}`, () => {
      assert.throws(() => resultOf(rules, { ...INPUT, many: Array.from({ length: 200 }, (_, i) => i) }), message);
    });
});
