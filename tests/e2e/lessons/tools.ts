import assert from "node:assert/strict";
import { it } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { Mesh } from "../mesh.ts";
import { allAre } from "./reviews.ts";

/** What the command line shows of a proxy, and of the way of a request. */
export function toolLessons(mesh: () => Mesh): void {
  it("shows what the Envoy of a pod has, by istioctl's names, and that it is what pilot has sent", async () => {
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre(mesh(), "v1");
    const shown = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await mesh().xebec(["proxy-config", ...args]);
      assert.equal(code, 0, err);
      return out.replaceAll(/ {2,}/g, " ");
    };
    const reviews = "reviews.default.svc.cluster.local";
    const clusters = await shown("clusters", "productpage-v1", "--fqdn", "reviews", "--subset", "v1");
    assert.match(clusters, /^SERVICE FQDN PORT SUBSET DIRECTION TYPE DESTINATION RULE$/m);
    assert.match(clusters, new RegExp(`^${reviews} 9080 v1 outbound EDS reviews.default$`, "m"));
    assert.match(await shown("routes", "productpage-v1"), / \/\* reviews\.default$/m);
    assert.match(await shown("listeners", "productpage-v1"), /Route: /);
    const healthy = await shown("ep", "productpage-v1", "--cluster", `outbound|9080|v1|${reviews}`);
    assert.match(healthy, /:9080 HEALTHY OK outbound\|9080\|v1\|/);
    assert.match(await shown("secret", "productpage-v1"), /^default Cert Chain ACTIVE true /m);
    const table = JSON.parse(await shown("routes", "istio-ingressgateway", "-o", "json")) as { name?: string }[];
    assert.ok(table.some(({ name }) => name?.startsWith("http.")));
    // Clusters, listeners, routes and extension configurations, of a sidecar and of a gateway.
    for (const pod of ["productpage-v1", "istio-ingressgateway"])
      await waitFor(`Envoy of ${pod} has what pilot has sent`, 5_000, async () => {
        const { code, out } = await mesh().xebec(["proxy-config", "diff", pod]);
        return code === 0 && out.match(/ Match$/gm)?.length === 4;
      });
    const explained = await mesh().xebec(["explain", "vs", "reviews"]);
    assert.match(explained.out, /in effect\n(.*\n)+productpage-v1.* route +http_proxy +virtualHost reviews\.default/);
    const way = await mesh().xebec(["explain", "request", "--from", "productpage-v1", "--to", "reviews:9080"]);
    assert.match(
      way.out,
      /cluster +outbound\|9080\|v1\|reviews.*\n(.*\n)+.*mutual TLS.*\n(.*\n)+The request passes: reviews-v1/,
    );
    const missing = await mesh().xebec(["proxy-config", "clusters", "nobody"]);
    assert.deepEqual([missing.code, missing.err], [1, 'xebec: no pod "nobody"; "xebec status" lists them\n']);
    mesh().remove("routes.yaml");
  });
}
