import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { Mesh } from "../mesh.ts";
import { allAre } from "./reviews.ts";

const ALL_V1 = join(import.meta.dirname, "../../../deploy/samples/bookinfo/networking/virtual-service-all-v1.yaml");

/** What becomes of objects that are wrong. */
export function verdictLessons(mesh: () => Mesh): void {
  it("refuses a broken file with file, line, field and reason, and changes nothing", async () => {
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre(mesh(), "v1");
    mesh().save(
      "routes.yaml",
      "apiVersion: networking.istio.io/v1alpha3\nkind: VirtualService\nmetadata:\n  name: reviews\nspec:\n  hosts: [reviews]\n  http:\n  - route:\n    - destination: {host: reviews, subset: v3}\n      wieght: 3\n",
    );
    const refused = await waitFor("the error is reported", 5_000, async () =>
      (await mesh().conditions()).find((each) => each.status === "False"),
    );
    assert.equal(refused.object, "networking.istio.io/VirtualService/default/reviews");
    assert.deepEqual([refused.source, refused.line], ["routes.yaml", 10]);
    assert.match(refused.message, /spec\.http\[0\]\.route\[0\]\.wieght: unknown field; did you mean weight\?/);
    for (let i = 0; i < 10; i++) assert.equal(await mesh().reviewsVersion(), "v1");
    mesh().remove("routes.yaml");
    await waitFor(
      "the error is gone",
      5_000,
      async () => !(await mesh().conditions()).some((each) => each.status === "False"),
    );
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) !== "v1");
  });

  it("says what every service makes of a change: apply, check and delete report rejections and end with 1", async () => {
    const handler = (spec: string): string =>
      `apiVersion: config.istio.io/v1alpha2\nkind: handler\nmetadata: { name: odd }\nspec: ${spec}\n---\n`;
    const rule = `apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: { name: odd }
spec: { actions: [{ handler: nobody, instances: [none] }] }
`;
    // What is wrong in an object itself is refused before anything is written.
    const wrong = await mesh().xebec(["apply", "-f", "-"], handler("{ compiledAdapter: lischecker }") + rule);
    assert.equal(wrong.code, 2, wrong.err);
    assert.match(
      wrong.err,
      /refused, nothing was written\n {2}standard input:4: spec\.compiledAdapter: there is no adapter "lischecker"; did you mean listchecker\?/,
    );
    // What may come later, or what only the service knows, is said by the services.
    const text = handler("{ compiledAdapter: listchecker, params: { providerUrl: 'http://127.0.0.1/list' } }") + rule;
    const applied = await mesh().xebec(["apply", "-f", "-"], text);
    assert.equal(applied.code, 1, applied.err);
    assert.match(
      applied.err,
      /^error: handler default\/odd: refused by mixer-policy: spec\.params\.providerUrl: 127\.0\.0\.1 is a loopback address/m,
    );
    assert.match(
      applied.err,
      /^error: rule default\/odd: refused by mixer-policy, mixer-telemetry: nothing of the rule/m,
    );
    const again = await mesh().xebec(["apply", "-f", "-"], text);
    assert.deepEqual([again.code, /refused by mixer-policy/.test(again.err)], [1, true], again.err);
    const check = await mesh().xebec(["check"]);
    assert.deepEqual([check.code, /^FAILED +objects\/valid/m.test(check.out)], [1, true], check.out);
    const deleted = await mesh().xebec(["delete", "-f", "-"], text);
    assert.deepEqual([deleted.code, deleted.err], [0, ""]);
    await mesh().isGreen();
    const good = await mesh().xebec(["apply", "-f", ALL_V1]);
    assert.deepEqual([good.code, good.err], [0, ""], "with one process, too");
    for (let i = 0; i < 10; i++) assert.equal(await mesh().reviewsVersion(), "v1", "in effect when apply returns");
    const back = await mesh().xebec(["delete", "-f", ALL_V1]);
    assert.deepEqual([back.code, back.err], [0, ""]);
  });
}
