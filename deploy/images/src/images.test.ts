import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { baseLayer, buildImage } from "./build-image.ts";
import { IMAGES } from "./images.ts";
import { readOciArchive } from "./oci-archive.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const skip = process.getuid?.() === 0 ? undefined : "a root file system needs root";

describe("an image that was built without a container engine", { skip }, () => {
  const folder = tempDir();
  after(() => folder.remove());

  it("is the same for the same files, and its file system has everything that the program needs, as a user without rights", () => {
    const image = IMAGES.find(({ name }) => name === "pilot");
    assert.ok(image);
    // A bundle that says who it is; the real ones are the end-to-end tests' matter.
    const copy = folder.file("copy");
    mkdirSync(join(copy, "apps/pilot/dist"), { recursive: true });
    const program = `import { X509Certificate } from "node:crypto"; console.log(JSON.stringify({ uid: process.getuid(), cwd: process.cwd(), version: process.versions.node, x: typeof X509Certificate, args: process.argv.slice(2) }));`;
    writeFileSync(join(copy, "apps/pilot/dist/main.mjs"), program);
    for (const path of ["package.json", "apps/pilot/package.json"]) writeFileSync(join(copy, path), "{}");
    const programs = { node: process.execPath };
    const base = baseLayer(programs);
    const build = (name: string): string => {
      const file = folder.file(`${name}.tar`);
      buildImage(file, image, { workingCopy: copy, programs, base, reference: "docker.io/xebec/pilot:1" });
      const into = folder.file(name);
      mkdirSync(into);
      execFileSync("tar", ["-C", into, "-xf", file]);
      return into;
    };
    const [first, second] = [readOciArchive(build("first")), readOciArchive(build("second"))];
    assert.deepEqual(first.config, second.config);

    const root = folder.file("root");
    mkdirSync(root);
    for (const layer of first.layers) execFileSync("tar", ["-C", root, "-xzf", "-"], { input: layer });
    const { Entrypoint, User, WorkingDir } = first.config.config;
    assert.deepEqual([User, WorkingDir], ["65532:65532", "/"]);
    const said = execFileSync("chroot", [`--userspec=${User}`, root, ...Entrypoint, "--flag"], {
      env: { PATH: process.env.PATH },
      encoding: "utf8",
    });
    const version = process.versions.node;
    assert.deepEqual(JSON.parse(said), { uid: 65_532, cwd: "/", version, x: "function", args: ["--flag"] });
    assert.ok(!existsSync(join(root, "bin/sh")) && !existsSync(join(root, "usr/bin/sh")), "there is no shell");
  });

  it("names what is missing", () =>
    assert.throws(
      () =>
        buildImage(
          folder.file("x.tar"),
          { name: "x", app: "none", uid: 1 },
          {
            ...{ workingCopy: ROOT, programs: { node: process.execPath }, base: Buffer.alloc(0), reference: "x:1" },
          },
        ),
      /apps\/none is not bundled/,
    ));
});
