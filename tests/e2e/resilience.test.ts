import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { SERVICES } from "@xebec/platform-local";
import { type Answer, call, killHard, Load, Mesh, pageIsWhole, reviewsTo } from "./mesh.ts";

const CONVERGED_MS = 10_000;
const OPEN_MODE = `apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "policyCheckFailOpen: true"}
`;

/** A denial that mixer-policy has to decide about, since only it knows labels of callers; it never holds for callers from outside. */
const DENY_AT_DETAILS = `apiVersion: config.istio.io/v1alpha2
kind: denier
metadata: {name: deny-at-details}
spec: {}
---
apiVersion: config.istio.io/v1alpha2
kind: checknothing
metadata: {name: deny-at-details}
spec: {}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: deny-at-details}
spec:
  match: destination.labels["app"] == "details" && source.labels["version"] == "v9"
  actions:
    - handler: deny-at-details.denier
      instances: [deny-at-details.checknothing]
`;

describe("a mesh whose parts are killed under load", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start();
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  /** Every process is ready, with another process than the killed one, a change still arrives, and `xebec check` is green. */
  async function recovered(killed: readonly number[]): Promise<void> {
    await waitFor("everything is ready again", CONVERGED_MS, async () =>
      (await mesh.status()).processes.every(
        (managed) => managed.ready && (managed.pid === undefined || !killed.includes(managed.pid)),
      ),
    );
    for (const version of ["v1", "v2"]) {
      mesh.save("routes.yaml", reviewsTo(version));
      await waitFor(
        `a change to ${version} arrives`,
        CONVERGED_MS,
        async () => (await mesh.reviewsVersion()) === version,
      );
    }
    mesh.remove("routes.yaml");
    await waitFor("xebec check is green", CONVERGED_MS, () => mesh.isGreen());
  }

  async function address(pod: string): Promise<string> {
    return (await mesh.status()).processes.find((managed) => managed.name.includes(`/${pod}`))?.addresses[0] ?? "";
  }

  /** Whether a pod's proxy asks mixer-policy. */
  async function asks(pod: string): Promise<boolean> {
    const filters = await filtersOf(`${pod}-v1`);
    return filters.includes("ext_authz.v3.ExtAuthz") && !filters.includes("filter_enabled");
  }

  /** Filters of a pod's proxy whose configuration pilot sends by itself. */
  async function filtersOf(pod: string): Promise<string> {
    return (await mesh.direct(await address(pod), 15000, "/config_dump?resource=ecds_filters")).body;
  }

  async function killPolicy(load: Load): Promise<void> {
    await load.more(20);
    const pid = await mesh.pid("mixer-policy");
    await killHard(pid);
    await load.more(50);
    await waitFor("another mixer-policy", CONVERGED_MS, async () => (await mesh.pid("mixer-policy")) !== pid);
    await load.more(50);
  }

  for (const service of [...SERVICES, "nats"])
    it(`goes on without a failed request when ${service} is killed`, async () => {
      await using load = new Load(mesh);
      await load.more(20);
      const pid = await mesh.pid(service);
      await killHard(pid);
      await recovered([pid]);
      await load.more(20);
      await load.end();
      assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
    });

  it("goes on when the supervisor is killed, and the next one adopts everything", async () => {
    const before = (await mesh.status()).processes.map(({ name, pid }) => [name, pid]);
    await using load = new Load(mesh);
    await load.more(20);
    await killHard(mesh.supervisorPid);
    await load.more(20);
    await mesh.supervise();
    await waitFor("the same processes", CONVERGED_MS, async () => {
      const { processes } = await mesh.status();
      return (
        processes.every((managed) => managed.ready) &&
        JSON.stringify(processes.map(({ name, pid }) => [name, pid])) === JSON.stringify(before)
      );
    });
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });

  it("goes on when the six services, NATS and the supervisor are killed at once", async () => {
    await using load = new Load(mesh);
    await load.more(20);
    const killed = await Promise.all([...SERVICES, "nats"].map((service) => mesh.pid(service)));
    await Promise.all([killHard(mesh.supervisorPid), ...killed.map(killHard)]);
    await load.more(50);
    await mesh.supervise();
    await recovered(killed);
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });

  it("answers on a connection that is older than a rule's removal, although the services are killed", async () => {
    mesh.save("details.yaml", DENY_AT_DETAILS);
    await waitFor("the proxy asks", CONVERGED_MS, () => asks("details"));
    // Envoy serves a connection by the rules of its beginning until it has said "connection: close".
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const details = { host: await address("details-v1"), port: 9080, path: "/details/0", agent };
    assert.equal((await call(details)).status, 200);
    mesh.remove("details.yaml");
    await waitFor("the proxy asks no more", CONVERGED_MS, async () => !(await asks("details")));
    const killed = await Promise.all(SERVICES.map((service) => mesh.pid(service)));
    await Promise.all(killed.map(killHard));
    assert.equal((await call(details)).status, 200, "the check waits for mixer-policy");
    agent.destroy();
    await recovered(killed);
  });

  it("lets nothing through unchecked while mixer-policy is killed, and denies what a rule denies", async () => {
    mesh.save("routes.yaml", reviewsTo("v3"));
    mesh.copy("policy/mixer-rule-deny-label.yaml", "deny.yaml");
    await waitFor("version 3 may not call ratings", CONVERGED_MS, async () => {
      for (let i = 0; i < 10; i++) if (!isDenied(await mesh.get("/productpage"))) return false;
      return true;
    });
    // Closed is the fail mode: a check that the kill cuts off denies.
    await using load = new Load(mesh, "/productpage", (answer) => isDenied(answer) || isFailedClosed(answer));
    await killPolicy(load);
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
    await waitFor("checks are answered again", CONVERGED_MS, async () => isDenied(await mesh.get("/productpage")));
  });

  it("fails no request while mixer-policy is killed when the mesh fails open", async () => {
    mesh.save("mesh.yaml", OPEN_MODE);
    mesh.save("routes.yaml", reviewsTo("v2"));
    await waitFor("version 2 may call ratings", CONVERGED_MS, async () => pageIsWhole(await mesh.get("/productpage")));
    await waitFor("every proxy fails open", CONVERGED_MS, async () => {
      for (const pod of ["productpage-v1", "details-v1", "reviews-v2", "ratings-v1"])
        if (!(await filtersOf(pod)).includes("failure_mode_allow")) return false;
      return true;
    });
    await using load = new Load(mesh);
    await killPolicy(load);
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
    mesh.remove("mesh.yaml");
    mesh.save("routes.yaml", reviewsTo("v3"));
    await waitFor("the denial", CONVERGED_MS, async () => isDenied(await mesh.get("/productpage")));
  });

  it("answers by the declared fail mode while mixer-policy hangs", async () => {
    mesh.save("details.yaml", DENY_AT_DETAILS);
    await waitFor("the proxy asks", CONVERGED_MS, () => asks("details"));
    const details = await address("details-v1");
    const check = async (): Promise<number> => (await mesh.direct(details, 9080, "/details/0")).status;
    const hung = await mesh.pid("mixer-policy");
    process.kill(hung, "SIGSTOP");
    try {
      assert.equal(await check(), 503, "closed by default");
      mesh.save("mesh.yaml", OPEN_MODE);
      await waitFor("requests pass without a check", CONVERGED_MS, async () => (await check()) === 200);
    } finally {
      process.kill(hung, "SIGCONT");
    }
    await waitFor("the denial again", CONVERGED_MS, async () => isDenied(await mesh.get("/productpage")));
    for (const file of ["mesh.yaml", "deny.yaml", "details.yaml", "routes.yaml"]) mesh.remove(file);
    await waitFor(
      "proxies ask no more",
      CONVERGED_MS,
      async () => !(await asks("ratings")) && !(await asks("details")),
    );
  });

  it("keeps an Envoy serving whose agent is killed, and replaces the agent", async () => {
    await using load = new Load(mesh);
    await load.more(20);
    const envoy = mesh.proxyPid("reviews-v1", "envoy");
    const agent = mesh.proxyPid("reviews-v1", "agent");
    await killHard(agent);
    await waitFor("another agent", CONVERGED_MS, () => mesh.proxyPid("reviews-v1", "agent") !== agent);
    await load.more(50);
    await load.end();
    assert.equal(mesh.proxyPid("reviews-v1", "envoy"), envoy, "the same Envoy");
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });

  it("starts a killed Envoy again", async () => {
    const envoy = mesh.proxyPid("details-v1", "envoy");
    await killHard(envoy);
    await waitFor("another Envoy serves", CONVERGED_MS, async () => pageIsWhole(await mesh.get("/productpage")));
    assert.notEqual(mesh.proxyPid("details-v1", "envoy"), envoy);
  });
});

/** What a caller gets when a check of its own call, or of one behind it, failed. */
function isFailedClosed({ status, body }: Answer): boolean {
  return status === 503 || body.includes("Error fetching product");
}

/** A page whose reviews got no ratings. */
function isDenied({ status, body }: Answer): boolean {
  return (
    status === 200 && body.includes("Reviews served by") && body.includes("Ratings service is currently unavailable")
  );
}
