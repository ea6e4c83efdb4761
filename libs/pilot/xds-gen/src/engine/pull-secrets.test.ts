import assert from "node:assert/strict";
import { it } from "node:test";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { object, proxy } from "../small-mesh.testkit.ts";
import { Generator } from "./generator.ts";

it("credentials of a registry go to the proxies of a plugin that names their Secret, and to no others", () => {
  const builder = new MeshBuilder();
  const data = { ".dockerconfigjson": Buffer.from("{}").toString("base64") };
  const secret = (name: string) => ({ kind: "Secret" as const, namespace: "default", name, data });
  const plugin = (name: string, url: string) =>
    ({
      ...object("WasmPlugin", name, { selector: { matchLabels: { app: "web" } }, url, imagePullSecret: name }),
      group: "extensions.istio.io",
    }) as const;
  builder.apply({
    config: { puts: [plugin("pull", "oci://r.example/a"), plugin("web", "https://r.example/a")], deletes: [] },
    secrets: [secret("pull"), secret("web"), secret("other")],
  });
  const generator = new Generator(builder.snapshot);
  const has = (labels: object, name: string): boolean => {
    const client = proxy({ LABELS: labels }, "sidecar~10.0.0.7~web-1.default~x");
    return (
      generator.resources("pullsecret", client, generator.proxyClass(client), { key: name, names: [name] }).resources
        .size > 0
    );
  };
  assert.deepEqual(
    ["default/pull", "default/web", "default/other", "shop/pull", "pull"].map((name) => has({ app: "web" }, name)),
    [true, false, false, false, false],
  );
  assert.equal(has({ app: "other" }, "default/pull"), false);
});
