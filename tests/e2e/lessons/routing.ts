import assert from "node:assert/strict";
import { it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { Load, type Mesh, pageIsWhole } from "../mesh.ts";
import { allAre, together } from "./reviews.ts";

/** Routing: versions of reviews, and changes without a failed request. */
export function routingLessons(mesh: () => Mesh): void {
  it("shows the product page, and all three versions of reviews within 100 requests", async () => {
    const versions = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const answer = await mesh().get("/productpage");
      assert.ok(pageIsWhole(answer), answer.body);
      versions.add(/data-version="(v\d)"/.exec(answer.body)?.[1] ?? "");
    }
    assert.deepEqual([...versions].sort(), ["v1", "v2", "v3"]);
  });

  it("takes a saved VirtualService up within a second, without a failed request", async () => {
    await using load = new Load(mesh());
    await load.more(20);
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre(mesh(), "v1");
    mesh().copy("networking/virtual-service-reviews-90-10.yaml", "routes.yaml");
    await waitFor("version 2 appears", 5_000, async () => (await mesh().reviewsVersion()) === "v2");
    const seen = { v1: 0, v2: 0, v3: 0 };
    for (let i = 0; i < 100; i++) seen[(await mesh().reviewsVersion()) as "v1"]++;
    assert.equal(seen.v3, 0);
    assert.ok(seen.v2 >= 1 && seen.v2 <= 30, `of 100 requests ${seen.v2} went to version 2`);
    mesh().copy("networking/virtual-service-reviews-jason-v2.yaml", "routes.yaml");
    // One answer proves nothing: one in ten of the rule before went to version 2 as well.
    await allAre(mesh(), "v2", { cookie: "user=jason" });
    await allAre(mesh(), "v1");
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });

  it("takes a VirtualService and a DestinationRule that change together without a failed request", async () => {
    await using load = new Load(mesh());
    await load.more(10);
    for (const version of ["v3", "v2", "v3"]) {
      const subset = `only-${version}-${Math.floor(load.sent)}`;
      mesh().save("routes.yaml", together(subset, version));
      await allAre(mesh(), version);
      await load.more(30);
    }
    mesh().remove("routes.yaml");
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) === "v1");
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });
}
