import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { SERVICES } from "@xebec/platform-local";
import { killHard, Load, Mesh, pageIsWhole } from "./mesh.ts";

const CONVERGED_MS = 10_000;

describe("a mesh whose parts are killed under load", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start();
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  /** Every unit is ready, with another process than the killed one, and a change of configuration still arrives. */
  async function recovered(killed: readonly number[]): Promise<void> {
    await waitFor("everything is ready again", CONVERGED_MS, async () =>
      (await mesh.status()).units.every((unit) => unit.ready && (unit.pid === undefined || !killed.includes(unit.pid))),
    );
    for (const version of ["v1", "v2"]) {
      mesh.save("routes.yaml", allTo(version));
      await waitFor(
        `a change to ${version} arrives`,
        CONVERGED_MS,
        async () => (await mesh.reviewsVersion()) === version,
      );
    }
    mesh.remove("routes.yaml");
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
    const before = (await mesh.status()).units.map(({ name, pid }) => [name, pid]);
    await using load = new Load(mesh);
    await load.more(20);
    await killHard(mesh.supervisorPid);
    await load.more(20);
    await mesh.supervise();
    await waitFor("the same processes", CONVERGED_MS, async () => {
      const { units } = await mesh.status();
      return (
        units.every((unit) => unit.ready) &&
        JSON.stringify(units.map(({ name, pid }) => [name, pid])) === JSON.stringify(before)
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

function allTo(version: string): string {
  return `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: ${version}}
`;
}
