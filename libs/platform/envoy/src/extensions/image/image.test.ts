import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { createTestCa } from "@xebec/testing-launch";
import { credentialsIn } from "./docker-config.ts";
import { pullModule } from "./image-module.ts";
import { imageReference } from "./reference.ts";
import {
  DOCKER_LAYER,
  DOCKER_MANIFEST,
  OCI_LAYER,
  OCI_MANIFEST,
  startRegistry,
  type TestRegistryOptions,
  tarOf,
  WASM_LAYER,
} from "./registry.testkit.ts";

const MODULE = Buffer.from("\0asm module");
const policy = createAddressPolicy(["127.0.0.0/8"]);
const config = (host: string, auth: object): string => JSON.stringify({ auths: { [host]: auth } });

async function registry(context: TestContext, options: TestRegistryOptions = {}) {
  const made = await startRegistry(options);
  context.after(() => made.close());
  const pull = (name: string, more: object = {}) =>
    pullModule(imageReference(`oci://${made.host}/${name}`), { policy, timeoutMs: 5_000, ...more });
  return { ...made, pull };
}

describe("the name of an image", () => {
  for (const [url, registry, host, repository, version] of [
    ["oci://ghcr.io/a/b:1.2", "ghcr.io", "ghcr.io", "a/b", "1.2"],
    ["oci://localhost:5000/a", "localhost:5000", "localhost:5000", "a", "latest"],
    ["oci://localhost/a", "localhost", "localhost", "a", "latest"],
    ["a/b", "docker.io", "registry-1.docker.io", "a/b", "latest"],
    ["oci://index.docker.io/a:x", "docker.io", "registry-1.docker.io", "library/a", "x"],
    [`oci://h.x/a:x@sha256:${"0".repeat(64)}`, "h.x", "h.x", "a", `sha256:${"0".repeat(64)}`],
  ] as const)
    it(`${url} is read as Docker reads it`, () =>
      assert.deepEqual(imageReference(url), { registry, host, repository, version }));

  for (const url of [
    "oci://h.x/A",
    "oci://h.x/a:",
    "oci://h.x/a@sha256:0",
    "oci://h.x/../a",
    "oci://h.x/a?b",
    "oci://",
  ])
    it(`refuses ${url}`, () => assert.throws(() => imageReference(url), { code: "invalid_argument" }));
});

describe("an image of a module", () => {
  for (const [what, manifest, layers] of [
    ["Docker's", DOCKER_MANIFEST, [{ mediaType: DOCKER_LAYER, bytes: tarOf({ "a/plugin.wasm": MODULE }) }]],
    [
      "OCI's, of several layers",
      OCI_MANIFEST,
      [
        { mediaType: OCI_LAYER, bytes: tarOf({ other: Buffer.alloc(700) }) },
        { mediaType: OCI_LAYER, bytes: tarOf({ other: Buffer.alloc(700), "plugin.wasm": MODULE }) },
      ],
    ],
    [
      "an artifact",
      OCI_MANIFEST,
      [
        { mediaType: "application/vnd.module.wasm.config.v1+json", bytes: Buffer.from("{}") },
        { mediaType: WASM_LAYER, bytes: MODULE },
      ],
    ],
  ] as const)
    it(`${what} is pulled, by its tag, its digest, and an index`, async (context) => {
      const { push, index, pull } = await registry(context);
      const digest = push("a/b", "1", manifest, layers);
      const top = index("a/b", "all", [digest]);
      for (const [name, sha256] of [
        ["a/b:1", digest],
        [`a/b@${digest}`, digest],
        ["a/b:all", top],
      ] as const) {
        const found = await pull(name);
        assert.deepEqual(found.bytes, MODULE, name);
        assert.equal(`sha256:${found.sha256}`, sha256);
      }
    });

  it("is not taken without a module, with another content, or from an address that may not be called", async (context) => {
    const { push, pull, spoil, host } = await registry(context);
    const bytes = tarOf({ "plugin.txt": MODULE });
    push("none", "latest", OCI_MANIFEST, [{ mediaType: OCI_LAYER, bytes }]);
    await assert.rejects(pull("none"), /its last layer has no plugin\.wasm/);
    push("other", "latest", OCI_MANIFEST, [{ mediaType: "text/plain", bytes }]);
    await assert.rejects(pull("other"), /it is no image of a module: its layers are text\/plain/);
    push("bad", "latest", OCI_MANIFEST, [{ mediaType: OCI_LAYER, bytes }]);
    spoil("bad", bytes, Buffer.from("something else"));
    await assert.rejects(pull("bad"), /has another content/);
    await assert.rejects(pull("gone"), /gone\/manifests\/latest: status 404/);
    push("zip", "latest", OCI_MANIFEST, [{ mediaType: OCI_LAYER, bytes: MODULE }]);
    await assert.rejects(pull("zip"), /cannot be decompressed/);
    const closed = { policy: createAddressPolicy(), timeoutMs: 5_000 };
    await assert.rejects(pullModule(imageReference(`oci://${host}/zip`), closed), { code: "permission_denied" });
  });

  for (const way of ["basic", "token"] as const)
    it(`is pulled from a registry with TLS that wants a user, ${way}, and nothing is shown to where its layers are`, async (context) => {
      const { cert, key } = createTestCa().issue({ ips: ["127.0.0.1"] });
      const auth = { way, user: "me", password: "hush" };
      const { push, pull, host } = await registry(context, { tls: { cert, key }, auth });
      push("a", "latest", OCI_MANIFEST, [{ mediaType: WASM_LAYER, bytes: MODULE }]);
      await assert.rejects(pull("a"), /certificate/);
      const insecure = [host];
      const credentials = config(host, { auth: Buffer.from("me:hush").toString("base64") });
      assert.deepEqual((await pull("a", { insecure, credentials })).bytes, MODULE);
      await assert.rejects(pull("a", { insecure }), /without credentials|gives none/);
      const wrong = config(host, { username: "me", password: "guess" });
      await assert.rejects(
        pull("a", { insecure, credentials: wrong }),
        (error: Error) => /may not be read|gives none/.test(error.message) && !/guess/.test(error.message),
      );
    });

  it("shows credentials to no registry without TLS, and none to where layers are", async (context) => {
    const auth = { way: "basic", user: "me", password: "hush" } as const;
    const { push, pull, host } = await registry(context, { auth, blobsElsewhere: true });
    push("a", "latest", OCI_MANIFEST, [{ mediaType: WASM_LAYER, bytes: MODULE }]);
    const credentials = config(host, { username: "me", password: "hush" });
    await assert.rejects(pull("a", { credentials }), /has no TLS, and credentials are shown to no such registry/);
    assert.deepEqual((await pull("a", { credentials, insecure: ["*"] })).bytes, MODULE);
  });
});

describe("a Docker configuration", () => {
  for (const [what, text, registry, expected] of [
    ["user and password", config("h:5", { username: "u", password: "p" }), "h:5", { user: "u", password: "p" }],
    ["both in base64", config("https://h/v1/", { auth: "dTpwOnA=" }), "h", { user: "u", password: "p:p" }],
    [
      "Docker Hub's old name",
      config("https://index.docker.io/v1/", { auth: "dTpw" }),
      "docker.io",
      { user: "u", password: "p" },
    ],
    ["a token", config("h", { registrytoken: "t" }), "h", { token: "t" }],
    ["the old form", JSON.stringify({ h: { auth: "dTpw" } }), "h", { user: "u", password: "p" }],
    ["another registry", config("h", { auth: "dTpw" }), "h:5", undefined],
  ] as const)
    it(`has ${what}`, () => assert.deepEqual(credentialsIn(text, registry), expected));

  it("that is none is refused, without a word of it", () =>
    assert.throws(
      () => credentialsIn("hush", "h"),
      (error: Error) => !error.message.includes("hush"),
    ));
});
