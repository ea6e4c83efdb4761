import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import type { LabService } from "./lab/mesh.ts";
import { object, policy } from "./objects.ts";

const pa = (name: string, spec: object, namespace = "default") =>
  object("PeerAuthentication", name, spec, { namespace });
const mode = (each: string) => ({ mtls: { mode: each } });
const WEB = { selector: { matchLabels: { app: "web" } } };
const ROOT = "istio-system";

/** A workload with a proxy of the lab, one for each namespace. */
const web = (namespace: string, address: string, ip: string): LabService => ({
  ...{ name: "web", namespace, address, ports: { http: 80, "http-admin": 8080, tcp: 5000 } },
  pods: [{ name: `web-${namespace}`, ip, sidecar: true, labels: { app: "web" }, serviceAccount: "web" }],
});
const IPS: Readonly<Record<string, string>> = { default: "10.1.0.10", shop: "10.1.0.11", [ROOT]: "10.1.0.12" };

describe("PeerAuthentication through real Envoys", () => {
  let lab: Lab;
  before(async () => {
    const proxies = Object.entries(IPS).map(([namespace, ip]) => [
      namespace,
      { kind: "captured" as const, ip, namespace, labels: { app: "web" }, serviceAccount: "web" },
    ]);
    lab = await openLab({
      proxies: { ...Object.fromEntries(proxies), client: { kind: "captured", ip: "10.1.0.1" } },
      // Connections that are open stay what they are: each request has its own.
      objects: [policy("web.default.svc.cluster.local", { connectionPool: { http: { maxRequestsPerConnection: 1 } } })],
      services: Object.entries(IPS).map(([namespace, ip], i) => web(namespace, `10.98.0.${i + 1}`, ip)),
    });
    // The containers behind the proxies. Without iptables other proxies meet them, too: so they show what those speak.
    for (const [namespace, ip] of Object.entries(IPS)) {
      const tls = lab.ca.issue({ uris: [`spiffe://cluster.local/ns/${namespace}/sa/web`] });
      for (const port of [80, 8080, 5000, 7000]) await lab.serve({ name: namespace, at: `${ip}:${port}`, tls });
    }
  });
  after(() => lab.close());

  interface Taken {
    /** A request in plain text. */
    readonly plain: boolean;
    /** The same with a certificate of the mesh. */
    readonly mutual: boolean;
  }
  const BOTH: Taken = { plain: true, mutual: true };
  const MUTUAL: Taken = { plain: false, mutual: true };
  const PLAIN: Taken = { plain: true, mutual: false };

  /** What a pod's proxy takes at a port. */
  const taken = async (namespace = "default", port = 80): Promise<Taken> => {
    const call = { to: namespace, url: `http://web.${namespace}:${port}/`, timeoutMs: 3_000 };
    const own = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/caller"] });
    const mutual = await lab.http({ ...call, tls: { alpn: ["istio"], sni: "x", ...own } });
    return { plain: (await lab.http(call)).by === namespace, mutual: mutual.by === namespace };
  };
  const takenBytes = async (port: number): Promise<Taken> => {
    const own = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/caller"] });
    const call = { to: "default", port, timeoutMs: 3_000 };
    const mutual = await lab.tcp({ ...call, tls: { alpn: ["istio"], sni: "x", ...own } });
    return { plain: (await lab.tcp(call)).by === "default", mutual: mutual.by === "default" };
  };
  /** How the client's proxy speaks to the pod. */
  const spoken = async (namespace = "default", port = 80): Promise<string> => {
    const { by, got } = await lab.http({ through: "client", url: `http://web.${namespace}:${port}/` });
    if (by !== namespace) return "nothing";
    return got?.tls?.client ? "mutual TLS" : "plain text";
  };

  const cases: readonly (readonly [string, object[], Taken, string])[] = [
    ["nothing", [], BOTH, "mutual TLS"],
    ["mtls.mode STRICT", [pa("own", mode("STRICT"))], MUTUAL, "mutual TLS"],
    ["mtls.mode PERMISSIVE", [pa("own", mode("PERMISSIVE"))], BOTH, "mutual TLS"],
    ["mtls.mode DISABLE", [pa("own", mode("DISABLE"))], PLAIN, "plain text"],
    ["the mesh's STRICT", [pa("mesh", mode("STRICT"), ROOT)], MUTUAL, "mutual TLS"],
    [
      "the namespace's before the mesh's",
      [pa("mesh", mode("STRICT"), ROOT), pa("own", mode("DISABLE"))],
      PLAIN,
      "plain text",
    ],
    ["UNSET, which is the mesh's", [pa("mesh", mode("STRICT"), ROOT), pa("own", mode("UNSET"))], MUTUAL, "mutual TLS"],
    [
      "the workload's before the namespace's",
      [pa("own", mode("STRICT")), pa("web", { ...WEB, ...mode("PERMISSIVE") })],
      BOTH,
      "mutual TLS",
    ],
    ["the workload's DISABLE", [pa("web", { ...WEB, ...mode("DISABLE") })], PLAIN, "plain text"],
    [
      "another workload's",
      [pa("web", { selector: { matchLabels: { app: "x" } }, ...mode("STRICT") })],
      BOTH,
      "mutual TLS",
    ],
    [
      "the workload's UNSET, which is the namespace's",
      [pa("own", mode("STRICT")), pa("web", { ...WEB, ...mode("UNSET") })],
      MUTUAL,
      "mutual TLS",
    ],
  ];
  for (const [name, objects, expected, speech] of cases)
    it(`${name}: what the pod takes, and what its clients speak`, async () =>
      lab.during(objects, async () => {
        assert.deepEqual([await taken(), await spoken()], [expected, speech]);
      }));

  it("portLevelMtls: before the workload's, for its own port alone, also of one that no service has", async () => {
    const ports = { "8080": { mode: "DISABLE" }, "5000": { mode: "STRICT" }, "7000": { mode: "STRICT" } };
    await lab.during([pa("web", { ...WEB, ...mode("PERMISSIVE"), portLevelMtls: ports })], async () => {
      assert.deepEqual([await taken(), await taken("default", 8080)], [BOTH, PLAIN]);
      assert.deepEqual([await spoken(), await spoken("default", 8080)], ["mutual TLS", "plain text"]);
      assert.deepEqual([await takenBytes(5000), await takenBytes(7000)], [MUTUAL, MUTUAL]);
    });
  });

  it("portLevelMtls: UNSET is the workload's", async () => {
    const spec = {
      ...WEB,
      ...mode("STRICT"),
      portLevelMtls: { "8080": { mode: "UNSET" }, "5000": { mode: "PERMISSIVE" } },
    };
    await lab.during([pa("web", spec)], async () => {
      assert.deepEqual(
        [await taken("default", 8080), await takenBytes(5000), await takenBytes(7000)],
        [MUTUAL, BOTH, MUTUAL],
      );
    });
  });

  it("is for its own namespace, and from the root namespace for all", async () => {
    await lab.during([pa("own", mode("STRICT"), "shop")], async () => {
      assert.deepEqual([await taken("shop"), await taken(), await taken(ROOT)], [MUTUAL, BOTH, BOTH]);
    });
    await lab.during([pa("mesh", mode("STRICT"), ROOT)], async () => {
      assert.deepEqual([await taken("shop"), await taken(), await taken(ROOT)], [MUTUAL, MUTUAL, MUTUAL]);
    });
  });

  it("a certificate of nobody in the trust domain is refused", async () => {
    const call = { to: "default", url: "http://web/", timeoutMs: 3_000 };
    for (const uris of [["spiffe://elsewhere/ns/default/sa/x"], []]) {
      const answer = await lab.http({ ...call, tls: { alpn: ["istio"], sni: "x", ...lab.ca.issue({ uris }) } });
      assert.equal(answer.by, "");
    }
  });
});
