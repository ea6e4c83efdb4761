import assert from "node:assert/strict";
import { it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Mesh, pageIsWhole } from "../mesh.ts";
import { allAre, together } from "./reviews.ts";

const ONE_SECOND = 1_000;

/** Mutual TLS between pods, and policies. */
export function securityLessons(mesh: () => Mesh): void {
  it("carries SPIFFE identities under STRICT, and refuses a plaintext call to a pod's port", async () => {
    const { processes } = await mesh().status();
    const [pod, app] = processes.find((managed) => managed.name.includes("/details-v1"))?.addresses ?? [];
    assert.ok(pod && app);
    assert.equal(
      (await mesh().direct(pod, 9080, "/details/0")).status,
      200,
      "plaintext is accepted while nothing is set",
    );
    mesh().copy("security/mtls-strict.yaml", "strict.yaml");
    await waitFor("plaintext is refused", 5_000, () =>
      mesh()
        .direct(pod, 9080, "/details/0")
        .then(
          () => false,
          () => true,
        ),
    );
    for (let i = 0; i < 10; i++) assert.ok(pageIsWhole(await mesh().get("/productpage")));
    const stats = (await mesh().direct(pod, 15000, "/stats")).body;
    assert.ok(Number(/listener\.[\w.]+_9080\.ssl\.handshake: (\d+)/.exec(stats)?.[1]) > 0, "mutual TLS handshakes");
    const certificates = (await mesh().direct(pod, 15000, "/certs")).body;
    assert.match(certificates, /spiffe:\/\/cluster\.local\/ns\/default\/sa\/bookinfo-details/);
    mesh().remove("strict.yaml");
    await waitFor("plaintext is accepted again", 5_000, () =>
      mesh()
        .direct(pod, 9080, "/details/0")
        .then(
          ({ status }) => status === 200,
          () => false,
        ),
    );
  });

  it("crosses two Envoys on a call between pods", async () => {
    const { processes } = await mesh().status();
    const address = (name: string): string =>
      processes.find((managed) => managed.name.includes(`/${name}`))?.addresses[0] ?? "";
    const counter = async (host: string, pattern: RegExp): Promise<number> =>
      Number(pattern.exec((await mesh().direct(host, 15000, "/stats")).body)?.[1] ?? 0);
    const outbound = /cluster\.outbound\|9080\|\|details\.default\.svc\.cluster\.local;?\.upstream_rq_total: (\d+)/;
    const inbound = /cluster\.inbound\|9080\|\|;?\.upstream_rq_total: (\d+)/;
    const before = [await counter(address("productpage"), outbound), await counter(address("details"), inbound)];
    for (let i = 0; i < 5; i++) await mesh().get("/productpage");
    const after = [await counter(address("productpage"), outbound), await counter(address("details"), inbound)];
    assert.deepEqual([(after[0] ?? 0) - (before[0] ?? 0), (after[1] ?? 0) - (before[1] ?? 0)], [5, 5]);
  });

  it("denies what a denier rule matches, and asks nobody without a rule", async () => {
    const { processes } = await mesh().status();
    const ratings = processes.find((managed) => managed.name.includes("/ratings-v1"))?.addresses[0] ?? "";
    const asks = async (): Promise<boolean> => {
      const dump = (await mesh().direct(ratings, 15000, "/config_dump?resource=ecds_filters")).body;
      return dump.includes("ext_authz.v3.ExtAuthz") && !dump.includes("filter_enabled");
    };
    assert.equal(await asks(), false);
    mesh().save("routes.yaml", together("denied", "v3"));
    await allAre(mesh(), "v3");
    mesh().copy("policy/mixer-rule-deny-label.yaml", "deny.yaml");
    await waitFor("version 3 may not call ratings", ONE_SECOND * 3, async () =>
      (await mesh().get("/productpage")).body.includes("Ratings service is currently unavailable"),
    );
    mesh().save("routes.yaml", together("allowed", "v2"));
    await waitFor(
      "version 2 may",
      5_000,
      async () => pageIsWhole(await mesh().get("/productpage")) && (await mesh().reviewsVersion()) === "v2",
    );
    mesh().remove("deny.yaml");
    await waitFor("nobody asks any more", 5_000, async () => !(await asks()));
    mesh().remove("routes.yaml");
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) === "v1");
  });
}
