import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { Load, Mesh } from "./mesh.ts";

const LIFETIME = "30s";
const PODS = ["productpage-v1", "details-v1", "reviews-v1", "reviews-v2", "reviews-v3", "ratings-v1"];

describe("a mesh whose certificates live for 30 seconds", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start({
      prepare: (each) => {
        each.copy("security/mtls-strict.yaml", "strict.yaml");
        const file = "platform-bookinfo.yaml";
        const config = `proxy.istio.io/config: "proxyMetadata: {SECRET_TTL: ${LIFETIME}}"`;
        const text = readFileSync(join(each.configDir, file), "utf8");
        each.save(file, text.replaceAll(/^ {6}labels:/gm, `      annotations: {${config}}\n      labels:`));
      },
    });
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  it("rotates them under load without a failed request", async () => {
    const { processes } = await mesh.status();
    const addresses = PODS.map(
      (pod) => processes.find((managed) => managed.name.includes(`/${pod}`))?.addresses[0] ?? "",
    );
    const serials = (): Promise<string[]> => Promise.all(addresses.map(serial));
    const serial = async (address: string): Promise<string> => {
      const { certificates } = JSON.parse((await mesh.direct(address, 15000, "/certs")).body) as {
        certificates: { cert_chain: { serial_number: string; valid_from: string; expiration_time: string }[] }[];
      };
      const [leaf] = certificates.flatMap((each) => each.cert_chain);
      assert.ok(leaf, "Envoy has a certificate");
      const seconds = (Date.parse(leaf.expiration_time) - Date.now()) / 1_000;
      assert.ok(seconds > 0 && seconds <= 31, `the certificate ends in ${seconds} s`);
      return leaf.serial_number;
    };
    await using load = new Load(mesh);
    let last = await serials();
    for (let round = 1; round <= 3; round++)
      last = await waitFor(
        `rotation ${round} of every proxy`,
        40_000,
        async () => {
          const now = await serials();
          return now.every((each, i) => each !== last[i]) ? now : undefined;
        },
        200,
      );
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });
});
