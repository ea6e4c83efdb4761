// Where endpoints are, and which of them a client prefers because of that.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { entry, object, policy } from "./objects.ts";

const HTTP = { number: 80, name: "http", protocol: "HTTP" };
/** Ejects an endpoint for long after its first failure. */
const EJECTS = {
  outlierDetection: {
    ...{ consecutive5xxErrors: 1, interval: "0.05s", baseEjectionTime: "600s", maxEjectionPercent: 100 },
  },
};
const REGIONS = { near: "eu/north/a", zone: "eu/north/b", region: "eu/south/a", far: "us/east/a", asian: "asia/x/y" };

let hosts = 0;
/** A service with a pod in each of some places, by the places' names. */
const spread = (name: string, ...places: (keyof typeof REGIONS)[]) => {
  const i = ++hosts;
  return host(name, {
    pods: places.map((place, j) => ({ name: place, ip: `10.47.${i}.${j + 1}`, locality: REGIONS[place] })),
  });
};
const setting = (localityLbSetting: object, more: object = EJECTS) => ({
  loadBalancer: { localityLbSetting },
  ...more,
});
const versions = (name: string) =>
  host(name, {
    pods: ["v1", "v2"].map((version) => ({
      ...{ name: version, ip: `10.47.${100 + hosts}.${++hosts}`, labels: { version }, locality: REGIONS.near },
    })),
  });

const SERVICES = [
  spread("plain", "near", "far"),
  spread("failover", "near", "zone", "region", "far"),
  spread("region-failover", "far", "asian"),
  spread("off", "near", "far"),
  spread("distribute", "near", "far", "asian"),
  spread("retried", "near", "far"),
  { ...spread("annotated", "near", "far"), annotations: { "networking.istio.io/traffic-distribution": "PreferClose" } },
  versions("labelled"),
];

describe("through a real Envoy, clients prefer endpoints by their place", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1", labels: { "istio-locality": "eu.north.a", version: "v2" } },
        stranger: { kind: "captured", ip: "10.1.0.2", labels: { version: "v1" } },
        american: { kind: "captured", ip: "10.1.0.3", labels: { "topology.istio.io/locality": "us.east.a" } },
      },
      services: SERVICES,
      upstreams: ["10.47.200.1:80", "10.47.200.2:80"].map((at) => ({ name: at, at })),
      objects: [
        policy("failover", EJECTS),
        policy("region-failover", setting({ failover: [{ from: "eu", to: "us" }] })),
        policy("off", setting({ enabled: false })),
        policy("distribute", setting({ distribute: [{ from: "eu/*", to: { "eu/*": 75, us: 25 } }] }, {})),
        policy("retried", EJECTS),
        policy("labelled", setting({ failoverPriority: ["version"] })),
        policy("named.example.com", EJECTS),
        object("VirtualService", "retried", {
          hosts: ["retried"],
          http: [
            {
              route: [{ destination: { host: "retried" } }],
              retries: { attempts: 4, retryOn: "5xx", retryRemoteLocalities: true, backoff: "1ms" },
            },
          ],
        }),
      ],
    });
    for (const [name, address] of [
      ["near.example.com", "10.47.200.1"],
      ["far.example.com", "10.47.200.2"],
    ] as const)
      await lab.name(name, [address]);
    await lab.apply([
      entry("named.example.com", {
        ...{ ports: [HTTP], resolution: "DNS" },
        endpoints: [
          { address: "near.example.com", locality: REGIONS.near },
          { address: "far.example.com", locality: REGIONS.far },
        ],
      }),
    ]);
  });
  after(() => lab?.close());

  const call = (name: string, through = "client", more: object = {}) =>
    lab.http({ through, url: `http://${name}/`, ...more });
  /** Who answers, each with its number of answers. */
  const answers = async (name: string, count = 8, through = "client"): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const { by, status } = await call(name, through);
      found[by || status] = (found[by || status] ?? 0) + 1;
    }
    return found;
  };
  const only = async (name: string, through = "client"): Promise<string> =>
    Object.keys(await answers(name, 8, through))
      .sort()
      .join(" ");
  /** Makes the one that answers now fail, so that it is ejected. @returns who answers then */
  const next = async (name: string): Promise<string> => {
    const before = await only(name);
    await call(name, "client", { do: "503" });
    await waitFor(`${before} is ejected`, 10_000, async () => !(await only(name)).includes(before));
    return only(name);
  };

  it("without outlierDetection all of them alike", async () => assert.equal(await only("plain"), "far near"));

  it("outlierDetection: the own place, then the zone, the region, and all others", async () => {
    assert.equal(await only("failover"), "near");
    assert.equal(await only("failover", "american"), "far");
    assert.equal(await only("failover", "stranger"), "far near region zone");
    assert.deepEqual(
      [await next("failover"), await next("failover"), await next("failover")],
      ["zone", "region", "far"],
    );
  });

  it("localityLbSetting.failover: another region stands in", async () => {
    assert.equal(await only("region-failover"), "far");
    assert.equal(await next("region-failover"), "asian");
  });

  it("localityLbSetting.enabled: false switches it off", async () => assert.equal(await only("off"), "far near"));

  it("localityLbSetting.distribute: shares by locality; the others get nothing", async () => {
    const { near = 0, far = 0, asian = 0 } = await answers("distribute", 100);
    assert.ok(near > 60 && near < 90 && far > 10, `${near} near, ${far} far`);
    assert.equal(asian, 0);
  });

  it("localityLbSetting.failoverPriority: endpoints whose labels are the client's", async () => {
    assert.equal(await only("labelled"), "v2");
    assert.equal(await only("labelled", "stranger"), "v1");
    assert.equal(await next("labelled"), "v1");
  });

  it("the annotation traffic-distribution of a service: the own zone, without outlierDetection", async () => {
    assert.equal(await only("annotated"), "near");
    assert.equal(await only("annotated", "american"), "far");
  });

  it("names that are looked up have places, too", async () => {
    assert.equal(await only("named.example.com"), "10.47.200.1:80");
    assert.equal(await only("named.example.com", "american"), "10.47.200.2:80");
  });

  it("retries.retryRemoteLocalities: a retry goes to the next priority", async () => {
    const answer = await call("retried", "client", { do: "503,503,200" });
    assert.deepEqual([answer.status, answer.by], [200, "far"]);
  });

  it("MeshConfig localityLbSetting: holds where no rule says, and enabled: false switches it off", async () => {
    const mesh = (localityLbSetting: object) =>
      object("MeshConfig", "mesh", { localityLbSetting }, { namespace: "istio-system" });
    await lab.during([mesh({ enabled: false })], async () =>
      assert.equal(await only("named.example.com"), "10.47.200.1:80 10.47.200.2:80"),
    );
    const distribute = [{ from: "eu/*", to: { us: 100 } }];
    await lab.during([mesh({ distribute })], async () => assert.equal(await only("plain"), "far"));
  });
});
