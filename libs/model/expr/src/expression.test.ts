import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttributeValue, createVocabulary, Layout, MutableBag, parseIp, stringMap } from "@xebec/model-attributes";
import { ReferenceTracker } from "@xebec/model-attributes/wire";
import { checkExpression, compileExpression } from "./compile.ts";
import { EvaluationError, ExpressionError } from "./expression-error.ts";

const vocabulary = createVocabulary([
  ["a.double", "DOUBLE"],
  ["b.double", "DOUBLE"],
  ["a.dns", "DNS_NAME"],
  ["a.uri", "URI"],
  ["a.email", "EMAIL_ADDRESS"],
]);
const ip = (text: string): Uint8Array => parseIp(text) as Uint8Array;

function evaluate(text: string, given: Record<string, AttributeValue> = {}): AttributeValue {
  const layout = new Layout(vocabulary);
  const code = compileExpression(text, layout);
  return code.evaluate(new MutableBag(layout.freeze(), given));
}

const request = {
  "request.path": "/v1/items",
  "request.headers": stringMap({ host: "web", empty: "" }),
  "source.labels": stringMap({ app: "reviews" }),
  "response.code": 200,
  "request.size": 10,
  "connection.mtls": true,
  "source.ip": Uint8Array.of(10, 0, 0, 1),
  "response.duration": 5_000_000,
  "request.time": { seconds: 1_500_000_000, nanos: 0 },
  "a.double": 1.5,
  "a.dns": "Web.Default.SVC.",
  "a.uri": "HTTP://Web:80/a%7eb",
  "a.email": "me@Example.org",
};

const VALUES: [string, AttributeValue][] = [
  ["request.path", "/v1/items"],
  ["`raw\\n`", "raw\\n"],
  ['"\\x41\\102\\u00e9\\n\\""', 'AB\u00e9\n"'],
  ["'c'", "c"],
  ["0017", 17],
  ["1e3", 1000],
  [".5", 0.5],
  ["TRUE", true],
  ['"10ms"', 10_000_000],
  ['request.headers["host"]', "web"],
  ['request.headers["none"]', ""],
  ['request.headers["none"] | "d"', "d"],
  ['request.headers["empty"] | "d"', ""],
  ['response.headers["x"] | "d"', "d"],
  ['request.headers[request.id] | "d"', "d"],
  ['request.id | request.host | "last"', "last"],
  ['request.id | request.path | "last"', "/v1/items"],
  ["response.code == 200", true],
  ["response.code != 200", false],
  ["response.code >= 200 && response.code < 300", true],
  ['request.id | "x" == "x"', true],
  ['request.path + "!"', "/v1/items!"],
  ["request.size + 5", 15],
  ["a.double + 1.0", 2.5],
  ["9223372036854775807 + 1", -(2n ** 63n)],
  ['size("héllo")', 6],
  ['conditional(connection.mtls, "yes", request.id)', "yes"],
  ['conditionalString(connection.mtls | false, "yes", "no")', "yes"],
  ['connection.mtls || request.id == "x"', true],
  ['connection.mtls == false && request.id == "x"', false],
  ['source.ip == ip("10.0.0.1")', true],
  ['source.ip == ip("::ffff:10.0.0.1")', true],
  ['request.time == timestamp("2017-07-14T02:40:00Z")', true],
  ['request.time < timestamp("2017-07-14T02:40:00.5Z")', true],
  ['a.dns == dnsName("web.default.svc")', true],
  ['a.uri == uri("http://web:80/a%7eb")', true],
  ['a.uri == uri("http://web:80/a~b")', false],
  ['a.uri == uri("http://web:81/a~b")', false],
  ['a.email == email("me@example.org")', true],
  ['a.email == email("Me@example.org")', false],
  ['match(request.path, "/v1*")', true],
  ['match(request.path, "*items")', true],
  ['match(request.path, "/v1/items")', true],
  ['match("xay", "*a*")', false],
  ['match("*ab", "*a*")', true],
  ['"^/v[0-9]".matches(request.path)', true],
  ['"items".matches(request.path)', true],
  ['"^items".matches(request.path)', false],
  ['request.path.startsWith("/v1")', true],
  ['(request.headers["host"]).startsWith("w")', true],
  ['"abc".endsWith("bc")', true],
  ['toLower("AbC").startsWith("abc")', true],
  ['toLower("AbC")', "abc"],
  ['emptyStringMap()["x"] | "none"', "none"],
  ['(source.labels | emptyStringMap())["app"]', "reviews"],
  ['EQ(OR(request.id, "x"), "x")', true],
  ['"\u{1f600}" > "\uffee"', true],
  ["a.double == a.double", true],
  ['response.duration | "0ms"', 5_000_000],
  ['(request.path + "x") | "z"', "/v1/itemsx"],
  ['(request.path == "b") | true', false],
  ['request.id | (request.host | "deep")', "deep"],
  ["response.code == // why\n 200", true],
  ["match(\n request.path,\n `/v1*`,\n)", true],
];

test("expressions evaluate as the specification says", () => {
  for (const [text, want] of VALUES) assert.deepEqual(evaluate(text, request), want, text);
});

/** What Mixer 1.1's own functions answered. */
const NAMES: [string, AttributeValue | RegExp][] = [
  ['dnsName("1.2.3")', "1.2.3"],
  ['dnsName("Web.Default.1")', "Web.Default.1"],
  ['dnsName("a_b.*.x")', "a_b.*.x"],
  [`dnsName("${"a".repeat(70)}.b")`, `${"a".repeat(70)}.b`],
  ['dnsName("xn--bcher-kva.de.")', "bücher.de."],
  ['dnsName("a..b")', /is not a DNS name/],
  ['dnsName("-a")', /is not a DNS name/],
  ['dnsName("ab--c")', /is not a DNS name/],
  ['dnsName("xn--a")', /is not a DNS name/],
  ['dnsName("1.שלום")', /is not a DNS name/],
  ['dnsName("BÜCHER.de") == dnsName("xn--bcher-kva.de.")', true],
  ['dnsName("1.2.3") == dnsName("1.2.0.3")', false],
  ['dnsName("a_b") != dnsName("c")', /"a_b" names no host/],
  ['email("\\"a b\\"@web")', '"a b"@web'],
  ['email("\\"abc\\"@x.org") == email("<abc@X.org>")', true],
  ['email("a..b@x.org")', /is not a mail address/],
  ['email("\\"a@b\\"@x.org") != email("a@x.org")', /"b@x.org" names no host/],
  ['uri("http://[fe80::1%25en0]:80/")', "http://[fe80::1%25en0]:80/"],
  ['uri("http://a:x/")', /is not a URI/],
  ['uri("http://a b/")', /is not a URI/],
  ['uri("/%zz")', /is not a URI/],
  ['uri("HTTP://WEB:80/a?q") == uri("http://web.:80/a?q")', true],
  ['uri("http://web/a") == uri("http://web:80/a")', false],
  ['uri("http://a_b/") != uri("http://c/")', /"a_b" names no host/],
  ['uri("ftp://a_b/") == uri("ftp://a_b/")', true],
  ['uri("mailto:a@b") == uri("mailto:a@b?c")', false],
  ['toLower("ΑΣ İ")', "ας i".replace("ς", "σ")],
];

test("names, addresses and URIs are Mixer's, and those that cannot be compared are errors", () => {
  for (const [text, want] of NAMES)
    if (want instanceof RegExp) assert.throws(() => evaluate(text), want, text);
    else assert.deepEqual(evaluate(text), want, text);
});

test("attributes that are no names are errors, equal or not", () => {
  const given: [string, AttributeValue, string][] = [
    ["a.dns", "a_b", 'dnsName("c")'],
    ["a.uri", "http://a:x", 'uri("http://c")'],
    ["a.email", "none", 'email("a@b")'],
  ];
  for (const [name, value, other] of given)
    for (const operator of ["==", "!="])
      assert.throws(() => evaluate(`${name} ${operator} ${other}`, { [name]: value }), EvaluationError);
});

test("arguments are evaluated in the order in which they stand", () => {
  assert.throws(() => evaluate("match(request.id, request.host)"), /request\.id/);
  assert.throws(() => evaluate("request.host.matches(request.id)"), /request\.host/);
  assert.throws(() => evaluate('(request.path + "(").matches(request.id)', request), /request\.id/);
});

test("a tree of dots and calls takes the last name as the method", () => {
  assert.equal(evaluate('source.workload.name.startsWith("a")', { "source.workload.name": "abc" }), true);
});

const FAILURES: [string, RegExp][] = [
  ["request.id", /lookup failed: 'request.id'/],
  ["request.id | request.host", /lookup failed: 'request.host'/],
  ['response.headers["x"]', /lookup failed: 'response.headers'/],
  ['toLower(request.id) | "d"', /lookup failed: 'request.id'/],
  ['conditional(connection.mtls, request.id, "x") | "d"', /lookup failed: 'request.id'/],
  ['request.id == "x"', /lookup failed/],
  ['(request.id + "x") | "z"', /lookup failed/],
  ['connection.mtls && request.id == "x"', /lookup failed/],
  ["ip(request.path) == source.ip", /is not an IP address/],
  ["timestamp(request.path) == request.time", /is not an RFC 3339 time/],
  ["dnsName(request.path) == a.dns", /names no host/],
  ['request.path.matches("x") && (request.path + "(").matches("x")', /regular expression/],
];

test("evaluation fails for absent attributes without default and for unusable values", () => {
  for (const [text, want] of FAILURES)
    assert.throws(
      () => evaluate(text, { ...request, "request.path": text.includes("matches") ? "x" : "/v1" }),
      want,
      text,
    );
});

const ERRORS: [string, RegExp][] = [
  ["", /empty/],
  ["request.id |", /line 1, column 13: expected a value, found the end/],
  ['request.headers["x"].startsWith("y")', /column 22: unexpected expression/],
  ["context.reporter.type", /"type" is a reserved word/],
  ["request-id", /the operator - is not part of the language/],
  ["!connection.mtls", /the unary operator ! is not part of the language; write x == false/],
  ["-5", /unary operator -/],
  ["0x10", /not a number/],
  ["08", /digits after a leading 0 go up to 7/],
  ["9223372036854775808", /does not fit 64 bits/],
  ["no.such", /unknown attribute no.such/],
  ["nofunc(request.id)", /unknown function nofunc/],
  ["toLower()", /arity/],
  ['toLower("a", "b")', /takes 1 arguments, not 2/],
  ['request.id | "0"', /typeError got DURATION, expected STRING/],
  ['source.name == "1h"', /typeError got DURATION, expected STRING/],
  ["response.code == 1.5", /typeError got DOUBLE, expected INT64/],
  ['response.duration == "1ms"', /EQ is not defined for DURATION/],
  ["source.labels == source.labels", /EQ is not defined for STRING_MAP/],
  ["connection.mtls < true", /LT is not defined for BOOL/],
  ['matches("a", "b")', /invoking instance method without an instance/],
  ['request.path.match("a")', /invoking regular function on instance method/],
  ["request.path\n== `x`", /line 1, column 13: the expression ends here/],
  ["(request.path)(1)", /only a function's name can be called/],
  ["request.headers", /is of type STRING_MAP, expected BOOL/],
  ["'ab'", /exactly one character/],
  ['"abc', /no closing/],
  ['"\\q"', /not a valid escape/],
  ["source.labels[1]", /typeError got INT64, expected STRING/],
  ["a := b", /expected|found/],
  ["source.labels[0:1]", /expected \]/],
  ['ip("nope") == source.ip', /column 1: "nope" is not an IP address/],
  ['"(".matches(request.path)', /regular expression "\(" is not valid/],
];

test("errors are found when an expression is compiled and when it is checked, with line and column", () => {
  for (const [text, want] of ERRORS)
    for (const read of [
      () => compileExpression(text, new Layout(vocabulary), "BOOL"),
      () => checkExpression(text, vocabulary, "BOOL"),
    ])
      assert.throws(read, (error) => error instanceof ExpressionError && want.test(error.message), text);
  assert.throws(
    () => checkExpression('source.name ==\n  "a" &&\n  nofunc(1)', vocabulary),
    (error) => error instanceof ExpressionError && error.line === 3 && error.column === 3,
  );
});

test("nesting and size have limits", () => {
  const deep = `${"(".repeat(5000)}1${")".repeat(5000)}`;
  assert.throws(() => checkExpression(deep, vocabulary), ExpressionError);
  assert.throws(() => checkExpression(new Array(3000).fill("1").join("+"), vocabulary), /more than 4096/);
  assert.equal(checkExpression(new Array(2000).fill("1").join("+"), vocabulary), "INT64");
});

test("only what was looked at is recorded", () => {
  const layout = new Layout(vocabulary);
  const code = compileExpression(
    'request.path == "/a" && (request.id | "x") == "x" && source.labels["app"] == "r" && request.host == "never"',
    layout,
  );
  const tracker = new ReferenceTracker(layout.freeze());
  const bag = new MutableBag(layout);
  bag.tracker = tracker;
  bag
    .set("request.path", "/a")
    .set("source.labels", stringMap({ app: "z" }))
    .set("request.host", "h");
  assert.equal(code.evaluate(bag), false);
  assert.deepEqual(tracker.list(), [
    { name: "request.path", present: true },
    { name: "request.id", present: false },
    { name: "source.labels", key: "app", present: true },
  ]);
  assert.deepEqual(code.attributes, ["request.path", "request.id", "source.labels", "request.host"]);
  assert.ok(ip("1.2.3.4"));
});
