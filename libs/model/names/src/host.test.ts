import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonicalHost, hostCovers, hostsOverlap, narrowerHost, resolveShortName } from "./host.ts";

/** Hosts over few labels, so that they meet; wildcards with and without a dot. */
const name = fc
  .array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 3 })
  .map((labels) => labels.join("."));
const pattern = fc.oneof(
  name,
  name.map((each) => `*.${each}`),
  name.map((each) => `*${each}`),
  fc.constant("*"),
);

describe("a short host", () => {
  for (const [host, expected] of [
    ["reviews", "reviews.shop.svc.cluster.local"],
    ["reviews.prod", "reviews.prod"],
    ["reviews.prod.svc.cluster.local", "reviews.prod.svc.cluster.local"],
    ["*", "*"],
    ["*.com", "*.com"],
    ["*com", "*com"],
    ["10.0.0.1", "10.0.0.1"],
    ["::1", "::1"],
  ] as const)
    it(`${host} means ${expected} in namespace shop`, () => {
      assert.equal(resolveShortName(host, "shop", "cluster.local"), expected);
    });
  it("is the same in any case and with a dot at its end", () => {
    assert.equal(canonicalHost("Reviews.Shop."), "reviews.shop");
    fc.assert(fc.property(name, (each) => assert.equal(canonicalHost(canonicalHost(each)), canonicalHost(each))));
  });
});

describe("a pattern covers", () => {
  for (const [wide, narrow, expected] of [
    ["*", "a.b", true],
    ["*", "*", true],
    ["*.b", "a.b", true],
    ["*.b", "x.a.b", true],
    ["*.b", "b", false],
    ["*.b", "*.a.b", true],
    ["*.a.b", "*.b", false],
    ["*.b", "*", false],
    ["*.b", "ab", false],
    ["*b", "ab", true],
    ["a.b", "a.b", true],
    ["a.b", "*.b", false],
    ["b", "a.b", false],
  ] as const)
    it(`${wide} ${expected ? "covers" : "does not cover"} ${narrow}`, () => {
      assert.equal(hostCovers(wide, narrow), expected);
    });

  it("what the patterns that it covers cover", () => {
    fc.assert(
      fc.property(pattern, pattern, pattern, (a, b, c) => {
        fc.pre(hostCovers(a, b) && hostCovers(b, c));
        assert.ok(hostCovers(a, c));
      }),
    );
  });

  it("the same names as another only when they are one", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        assert.ok(hostCovers(a, a));
        if (hostCovers(a, b) && hostCovers(b, a)) assert.equal(a, b);
      }),
    );
  });
});

describe("two hosts overlap", () => {
  it("in the narrower one, whichever stands first", () => {
    fc.assert(
      fc.property(pattern, pattern, name, (a, b, each) => {
        assert.equal(hostsOverlap(a, b), hostsOverlap(b, a));
        const narrow = narrowerHost(a, b);
        assert.equal(narrow, narrowerHost(b, a));
        assert.equal(narrow !== undefined, hostsOverlap(a, b));
        if (narrow === undefined) return;
        assert.equal(hostCovers(a, each) && hostCovers(b, each), hostCovers(narrow, each));
      }),
    );
  });
});
