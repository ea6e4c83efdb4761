import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostCovers } from "@xebec/model-names";
import fc from "fast-check";
import { byAge } from "./by-age.ts";
import { type Hosted, HostIndex } from "./host-index.ts";

interface Rule extends Hosted {
  readonly namespace: string;
}

const rule = (key: string, hosts: readonly string[], created = "", namespace = "default"): Rule => ({
  key,
  hosts,
  created,
  namespace,
});

function indexOf(...rules: readonly Rule[]): HostIndex<Rule> {
  return rules.reduce((index, each) => index.replace(undefined, each, new Set()), HostIndex.empty<Rule>());
}

const keys = (rules: Iterable<Rule>): string[] => [...rules].map((each) => each.key);
const any = (): boolean => true;

describe("rules by host", () => {
  const index = indexOf(
    rule("all", ["*"]),
    rule("wide", ["*.com"]),
    rule("narrow", ["*.shop.com"]),
    rule("exact", ["www.shop.com"]),
    rule("elsewhere", ["www.shop.com"], "", "prod"),
  );
  for (const [host, found] of [
    ["www.shop.com", ["elsewhere", "exact"]],
    ["api.shop.com", ["narrow"]],
    ["shop.com", ["wide"]],
    ["shop.org", ["all"]],
    ["*.shop.com", ["narrow"]],
    ["*.api.shop.com", ["narrow"]],
    ["*.org", ["all"]],
    ["*", ["all"]],
  ] as const)
    it(`the most specific host that covers ${host} wins`, () => {
      assert.deepEqual(keys(index.find(host, any)), found);
    });

  it("a host whose rules are all refused leaves the way to the next wider one", () => {
    assert.deepEqual(keys(index.find("www.shop.com", (each) => each.namespace === "prod")), ["elsewhere"]);
    assert.deepEqual(keys(index.find("www.shop.com", (each) => each.key !== "exact" && each.namespace !== "prod")), [
      "narrow",
    ]);
    assert.deepEqual(
      index.find("www.shop.com", () => false),
      [],
    );
  });

  it("the oldest rule of a host is the first, then the name decides", () => {
    const aged = indexOf(
      rule("c", ["a.b"], "2026-01-02T00:00:00Z"),
      rule("b", ["a.b"], "2026-01-02T00:00:00Z"),
      rule("z", ["a.b"], "2026-01-01T00:00:00Z"),
    );
    assert.deepEqual(keys(aged.exact("a.b")), ["z", "b", "c"]);
  });

  it("names every host that a change touches, also those that the rule leaves", () => {
    const before = rule("a", ["x.com", "*.y.com"]);
    const touched = new Set<string>();
    const next = indexOf(before).replace(before, rule("a", ["x.com", "z.com"]), touched);
    assert.deepEqual([...touched].sort(), ["*.y.com", "x.com", "z.com"]);
    assert.deepEqual(next.find("a.y.com", any), []);
    assert.deepEqual(keys(next.find("z.com", any)), ["a"]);
  });

  it("finds what a search through all rules finds, after any changes, and old versions stay", () => {
    const host = fc.constantFrom("*", "*.com", "*.a.com", "*a.com", "a.com", "b.a.com", "c.b.a.com", "d.org");
    const version = fc.record({
      hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }),
      created: fc.constantFrom("", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    });
    const change = fc.tuple(fc.constantFrom("k1", "k2", "k3", "k4"), fc.option(version, { nil: undefined }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 15 }), host, (changes, wanted) => {
        const rules = new Map<string, Rule>();
        let index = HostIndex.empty<Rule>();
        const seen: { index: HostIndex<Rule>; keys: string[] }[] = [];
        for (const [key, content] of changes) {
          const after = content && rule(key, content.hosts, content.created);
          index = index.replace(rules.get(key), after, new Set());
          if (after) rules.set(key, after);
          else rules.delete(key);
          const expected = search([...rules.values()], wanted);
          assert.deepEqual(keys(index.find(wanted, any)), expected);
          assert.deepEqual(keys(index.all()).sort(), [...rules.keys()].sort());
          seen.push({ index, keys: expected });
        }
        for (const { index: old, keys: expected } of seen) assert.deepEqual(keys(old.find(wanted, any)), expected);
      }),
    );
  });
});

/** The rule of `find` in other words: of all hosts that cover the wanted one, the longest, the exact text before all. */
function search(rules: readonly Rule[], wanted: string): string[] {
  const covering = rules.flatMap((each) => each.hosts).filter((host) => hostCovers(host, wanted));
  const [best] = covering.sort((a, b) => Number(b === wanted) - Number(a === wanted) || b.length - a.length);
  return best === undefined ? [] : keys(rules.filter((each) => each.hosts.includes(best)).sort(byAge));
}
