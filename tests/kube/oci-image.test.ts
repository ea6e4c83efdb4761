import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { list, pod } from "./objects.ts";

const skip = clusterMissing();

/** Writes an OCI archive of two layers; the second one removes a file of the first. */
function archive(folder: string, name: string): string {
  const layout = join(folder, "layout");
  const blobs = join(layout, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (bytes: Buffer, mediaType: string): object => {
    const digest = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const layer = (name_: string, make: (root: string) => void): object => {
    const root = join(folder, name_);
    mkdirSync(root);
    make(root);
    execFileSync("tar", ["-czf", join(folder, `${name_}.tgz`), "-C", root, "."]);
    return put(readFileSync(join(folder, `${name_}.tgz`)), "application/vnd.oci.image.layer.v1.tar+gzip");
  };
  const layers = [
    layer("one", (root) => {
      // A shell and what it is linked with: the whole image.
      for (const path of [
        "/bin/dash",
        "/bin/cat",
        "/bin/sleep",
        "/lib64/ld-linux-x86-64.so.2",
        "/lib/x86_64-linux-gnu/libc.so.6",
      ]) {
        mkdirSync(join(root, path, ".."), { recursive: true });
        execFileSync("cp", ["-L", path, join(root, path)]);
      }
      mkdirSync(join(root, "etc"));
      writeFileSync(join(root, "etc/passwd"), "app:x:4242:4242::/:/bin/dash\n");
      writeFileSync(join(root, "etc/removed"), "");
    }),
    layer("two", (root) => {
      mkdirSync(join(root, "etc"));
      writeFileSync(join(root, "etc/.wh.removed"), "");
      mkdirSync(join(root, "work"));
      writeFileSync(join(root, "work/greeting"), "hello from the archive\n");
    }),
  ];
  const json = (value: object, type: string): object => put(Buffer.from(JSON.stringify(value)), type);
  const config = json(
    {
      config: {
        Entrypoint: ["/bin/dash", "-c"],
        Cmd: ["cat greeting; exec sleep 1000"],
        User: "app",
        WorkingDir: "/work",
        Env: ["KIND=oci", "PATH=/bin"],
      },
    },
    "application/vnd.oci.image.config.v1+json",
  );
  const manifest = json({ schemaVersion: 2, config, layers }, "application/vnd.oci.image.manifest.v1+json");
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations: { "io.containerd.image.name": name } }] };
  writeFileSync(join(layout, "index.json"), JSON.stringify(index));
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const file = join(folder, "image.tar");
  execFileSync("tar", ["-cf", file, "-C", layout, "."]);
  return file;
}

suite("an OCI archive in the cluster's folder of images", { skip }, () => {
  let cluster: TestCluster;
  let ns: string;
  const folder = mkdtempSync(join(tmpdir(), "xebec-oci-"));
  before(async () => {
    cluster = await useCluster();
    ns = await cluster.namespace("oci");
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await cluster?.close();
  });

  test("runs with its own files, user, folder and command, and nothing of the host's", async () => {
    mkdirSync(join(cluster.directory, "images"), { recursive: true });
    renameSync(archive(folder, "docker.io/xebec-test/archived:1"), join(cluster.directory, "images/archived.tar"));
    await cluster.kubectl(["-n", ns, "apply", "-f", "-"], list(pod("archived", { image: "xebec-test/archived:1" })));
    await cluster.ready(ns, ["pod/archived"]);
    assert.equal(await cluster.kubectl(["-n", ns, "logs", "archived"]), "hello from the archive\n");
    const script = "echo $KIND $PWD; cat /proc/self/status; echo /etc/* /*";
    const said = await cluster.kubectl(["-n", ns, "exec", "archived", "--", "/bin/dash", "-c", script]);
    assert.match(said, /^oci \/work\n/);
    assert.match(said, /Uid:\t4242/);
    assert.match(said, /\/etc\/hostname \/etc\/hosts \/etc\/passwd \/etc\/resolv\.conf \/bin \/dev \/etc/);
    rmSync(join(cluster.directory, "images/archived.tar"));
  });
});
