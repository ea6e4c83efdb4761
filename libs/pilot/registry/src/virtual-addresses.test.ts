import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf, type Resource, type ServiceEntrySpec } from "@xebec/model-resources";
import { VirtualAddresses } from "./virtual-addresses.ts";

type Entry = Resource<ServiceEntrySpec>;

const entry = (name: string, hosts: readonly string[], spec: object = {}, more: object = {}): Entry => ({
  ...{ group: "networking.istio.io", version: "v1", kind: "ServiceEntry", namespace: "default", name },
  creationTimestamp: "2026-01-01T00:00:00Z",
  spec: { hosts: [...hosts], resolution: "DNS", ...spec },
  ...more,
});
const put = (addresses: VirtualAddresses, each: Entry): ReadonlySet<string> =>
  addresses.replace(keyOf(each), each, each.spec.hosts);
const of = (addresses: VirtualAddresses, { namespace, ...each }: Entry, host = each.spec.hosts[0] ?? "") =>
  addresses.of(keyOf({ ...each, namespace }), namespace, host);

describe("virtual addresses", () => {
  it("are of the two ranges, the same for both families", () => {
    const addresses = new VirtualAddresses();
    const a = entry("a", ["a.example.com", "b.example.com"]);
    put(addresses, a);
    // A change of what they are computed from breaks connections of every mesh: pilots of both versions may run.
    assert.deepEqual(of(addresses, a), { ipv4: "240.240.14.223", ipv6: "2001:2::edf" });
    assert.notDeepEqual(of(addresses, a, "b.example.com"), of(addresses, a));
  });

  for (const [what, each, host] of [
    ["a host with addresses", entry("x", ["x.com"], { addresses: ["10.0.0.1"] }), undefined],
    ["resolution NONE", entry("x", ["x.com"], { resolution: "NONE" }), undefined],
    ["no resolution, which is NONE", entry("x", ["x.com"], { resolution: undefined }), undefined],
    ["a wildcard", entry("x", ["*.x.com"]), undefined],
    [
      "an object that says no",
      entry("x", ["x.com"], {}, { labels: { "networking.istio.io/enable-autoallocate-ip": "False" } }),
      undefined,
    ],
    ["a wildcard with DYNAMIC_DNS", entry("x", ["*.x.com"], { resolution: "DYNAMIC_DNS" }), "one"],
    [
      "an object that says yes",
      entry(
        "x",
        ["x.com"],
        { resolution: "STATIC" },
        { labels: { "networking.istio.io/enable-autoallocate-ip": "true" } },
      ),
      "one",
    ],
  ] as const)
    it(`${what}: ${host ?? "none"}`, () => {
      const addresses = new VirtualAddresses();
      put(addresses, each);
      assert.equal(of(addresses, each) === undefined, host === undefined);
    });

  it("one that a ServiceEntry names itself is nobody else's", () => {
    const addresses = new VirtualAddresses();
    const a = entry("a", ["a.example.com"]);
    put(addresses, a);
    const first = of(addresses, a)?.ipv4 ?? "";
    const named = entry("named", ["named.example.com"], { addresses: [first] });
    assert.deepEqual([...put(addresses, named)], [keyOf(a)]);
    assert.notEqual(of(addresses, a)?.ipv4, first);
    assert.deepEqual([...addresses.replace(keyOf(named), undefined, [])], [keyOf(a)]);
    assert.equal(of(addresses, a)?.ipv4, first);
  });

  it("two ServiceEntries of a host in a namespace have one", () => {
    const addresses = new VirtualAddresses();
    const [a, b] = [entry("a", ["a.example.com"]), entry("b", ["a.example.com"])];
    put(addresses, a);
    put(addresses, b);
    assert.deepEqual(of(addresses, a), of(addresses, b));
    addresses.replace(keyOf(a), undefined, []);
    assert.ok(of(addresses, b));
    assert.equal(of(addresses, a), undefined);
  });

  it("do not depend on what came when, and what is reported as moved is what has moved", () => {
    // Sixteen addresses for up to thirteen hosts: nearly each change moves some.
    const SLOTS = 16;
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    for (let round = 0; round < 40; round++) {
      const addresses = new VirtualAddresses(SLOTS);
      const live = new Map<string, Entry>();
      const said = new Map<string, string | undefined>();
      for (let step = 0; step < 30; step++) {
        const name = `e${random(12)}`;
        const created = `2026-01-0${1 + random(4)}T00:00:00Z`;
        const named = random(8) === 0 ? { addresses: [`240.240.0.${random(SLOTS)}`] } : {};
        const each = entry(name, [`h${random(9)}.com`], named, { creationTimestamp: created });
        const key = keyOf(each);
        const isGone = random(3) === 0;
        const moved = addresses.replace(key, isGone ? undefined : each, isGone ? [] : each.spec.hosts);
        if (isGone) live.delete(key);
        else live.set(key, each);
        for (const one of live.values()) {
          const now = of(addresses, one)?.ipv4;
          if (keyOf(one) !== key && !moved.has(keyOf(one))) assert.equal(now, said.get(keyOf(one)), `${round}.${step}`);
          said.set(keyOf(one), now);
        }
        const again = new VirtualAddresses(SLOTS);
        for (const one of [...live.values()].reverse()) put(again, one);
        const own = [...live.values()].map((one) => of(addresses, one)?.ipv4);
        assert.deepEqual(
          own,
          [...live.values()].map((one) => of(again, one)?.ipv4),
          `${round}.${step}`,
        );
        const hosts = new Map([...live.values()].map((one, i) => [one.spec.hosts[0], own[i]]));
        const taken = [...hosts.values()].filter(Boolean);
        assert.equal(new Set(taken).size, taken.length);
      }
    }
  });
});
