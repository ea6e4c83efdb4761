import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { policy } from "./objects.ts";

const hash = (consistentHash: object) => ({ loadBalancer: { consistentHash } });
const simple = (name: string) => ({ loadBalancer: { simple: name } });

const POLICIES: Readonly<Record<string, object>> = {
  robin: simple("ROUND_ROBIN"),
  random: simple("RANDOM"),
  "least-request": simple("LEAST_REQUEST"),
  "least-conn": simple("LEAST_CONN"),
  unspecified: simple("UNSPECIFIED"),
  passthrough: simple("PASSTHROUGH"),
  header: hash({ httpHeaderName: "x-user" }),
  query: hash({ httpQueryParameterName: "user" }),
  source: hash({ useSourceIp: true }),
  cookie: hash({ httpCookie: { name: "session", path: "/shop", ttl: "60s" } }),
  attributes: hash({
    httpCookie: { name: "session", ttl: "0s", attributes: [{ name: "SameSite", value: "Strict" }, { name: "Secure" }] },
  }),
  passive: hash({ httpCookie: { name: "session" } }),
  ring: hash({ httpHeaderName: "x-user", ringHash: { minimumRingSize: 50 } }),
  "old-ring": hash({ httpHeaderName: "x-user", minimumRingSize: 70 }),
  maglev: hash({ httpHeaderName: "x-user", maglev: { tableSize: 11 } }),
};
const names = [...Object.keys(POLICIES), "default"];
const services = [...names.map((name) => host(name)), host("bytes", { ports: { tcp: 5000 } })];

describe("a real Envoy balances as loadBalancer says", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services,
      objects: [...Object.entries(POLICIES), ["bytes", hash({ useSourceIp: true })] as const].map(([name, each]) =>
        policy(name, each),
      ),
    });
  });
  after(() => lab.close());

  const get = (name: string, more: Partial<HttpCall> = {}) =>
    lab.http({ through: "client", url: `http://${name}/`, ...more });
  /** The version of each pod that answers, one call after the other. */
  const picks = async (count: number, name: string, more: (i: number) => Partial<HttpCall> = () => ({})) => {
    const found: string[] = [];
    for (let i = 0; i < count; i++) found.push((await get(name, more(i))).by.replace(`${name}-`, ""));
    return found;
  };
  const alternates = (found: readonly string[]): boolean => found.every((each, i) => i === 0 || each !== found[i - 1]);
  const stat = async (name: string, what: string): Promise<number> => {
    const text = await lab.envoys.get("client")?.admin(`/stats?filter=${what}`);
    const line = text?.split("\n").find((each) => each.includes(`outbound|80||${name}.default.svc.cluster.local`));
    return Number(line?.split(": ").at(-1));
  };

  it("simple ROUND_ROBIN: one after the other", async () => assert.ok(alternates(await picks(12, "robin"))));

  it("simple RANDOM: any", async () => {
    const found = await picks(24, "random");
    assert.equal(new Set(found).size, 2);
    assert.ok(!alternates(found), found.join());
  });

  for (const name of ["least-request", "least-conn", "unspecified", "default"])
    it(`${name}: the pod that has less to do`, async () => {
      const streams = [];
      for (let i = 0; i < 6; i++) streams.push(await lab.stream({ through: "client", url: `http://${name}/` }));
      const busy = streams.filter(({ by }) => by.endsWith("v1")).length > 3 ? "v1" : "v2";
      for (const { by, close } of streams) if (!by.endsWith(busy)) await close();
      // It gets a request only where both draws meet it: one of four.
      const found = await picks(200, name);
      const count = found.filter((each) => each === busy).length;
      assert.ok(count > 15 && count < 80, `${count} of 200 at the busy pod`);
      for (const { close } of streams) await close();
    });

  it("simple PASSTHROUGH: the address that was dialled", async () => {
    for (const { name, ip } of services.find(({ name }) => name === "passthrough")?.pods ?? [])
      for (let i = 0; i < 3; i++) assert.equal((await get("passthrough", { address: ip })).by, name);
  });

  /** Each user stays at one pod; both pods have users. */
  const sticks = async (name: string, as: (user: number) => Partial<HttpCall>): Promise<void> => {
    const pods = new Set<string>();
    for (let user = 0; user < 12; user++) {
      const found = new Set(await picks(4, name, () => as(user)));
      assert.equal(found.size, 1, `user ${user} meets ${[...found].join()}`);
      for (const each of found) pods.add(each);
    }
    assert.equal(pods.size, 2);
  };
  const byHeader = (user: number) => ({ headers: { "x-user": `user${user}` } });

  it("consistentHash.httpHeaderName", () => sticks("header", byHeader));
  it("consistentHash.maglev", () => sticks("maglev", byHeader));
  it("consistentHash.ringHash", () => sticks("ring", byHeader));
  it("consistentHash.httpQueryParameterName", () =>
    sticks("query", (user) => ({ url: `http://query/?user=user${user}` })));
  it("consistentHash.useSourceIp: requests", () => sticks("source", (user) => ({ source: `10.5.0.${user}` })));
  it("consistentHash.useSourceIp: connections", async () => {
    const pods = new Set<string>();
    for (let user = 0; user < 12; user++) {
      const call = { through: "client", host: "bytes", port: 5000, source: `10.5.0.${user}` };
      const [first, second, third] = [await lab.tcp(call), await lab.tcp(call), await lab.tcp(call)];
      assert.deepEqual([second.by, third.by], [first.by, first.by]);
      pods.add(first.by);
    }
    assert.equal(pods.size, 2);
  });

  it("consistentHash.httpCookie with ttl: the proxy gives the cookie, with its path and its life", async () => {
    const { headers, by } = await get("cookie");
    const cookie = headers["set-cookie"] ?? "";
    assert.match(cookie, /^session="?[^;"]+"?; Max-Age=60; Path=\/shop; HttpOnly$/i);
    const [value = ""] = cookie.split(";");
    for (let i = 0; i < 6; i++) assert.equal((await get("cookie", { headers: { cookie: value } })).by, by);
    await sticks("cookie", (user) => ({ headers: { cookie: `session=user${user}` } }));
  });

  it("consistentHash.httpCookie.attributes: the cookie has them", async () =>
    assert.match((await get("attributes")).headers["set-cookie"] ?? "", /; SameSite=Strict; Secure; HttpOnly$/i));

  it("consistentHash.httpCookie without ttl: only a cookie that is there already counts", async () => {
    assert.equal((await get("passive")).headers["set-cookie"], undefined);
    await sticks("passive", (user) => ({ headers: { cookie: `session=user${user}` } }));
  });

  it("consistentHash.ringHash.minimumRingSize, minimumRingSize and maglev.tableSize: the size of the table", async () => {
    const sizes = [await stat("ring", "ring_hash_lb.size"), await stat("old-ring", "ring_hash_lb.size")];
    assert.deepEqual(sizes, [50, 70]);
    assert.equal(await stat("header", "ring_hash_lb.size"), 1024);
    assert.equal((await stat("maglev", "maglev_lb.min_entries")) + (await stat("maglev", "maglev_lb.max_entries")), 11);
  });
});
