import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PodFacts } from "./pod-environment.ts";
import { materializeVolumes, refreshTokens } from "./pod-volumes.ts";

const FACTS: PodFacts = {
  name: "web-1",
  namespace: "shop",
  uid: "u-1",
  ip: "127.60.1.10",
  node: "localhost",
  serviceAccount: "web",
  labels: { app: "web" },
  annotations: {},
  data: (kind, name) =>
    name === "root"
      ? { kind, metadata: { name, namespace: "shop", labels: {}, annotations: {} }, data: { "root.pem": "PEM" } }
      : undefined,
};
const mint = async (namespace: string, account: string, audience: string): Promise<string> =>
  `${namespace}/${account}/${audience}`;

test("volumes are written and appear where the container mounts them", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "volumes-"));
  t.after(() => rm(dir, { recursive: true }));
  const spec = {
    containers: [
      {
        name: "proxy",
        volumeMounts: [
          { name: "root", mountPath: "/var/run/root" },
          { name: "token", mountPath: "/var/run/token" },
          { name: "info", mountPath: "/etc/podinfo" },
        ],
      },
    ],
    volumes: [
      { name: "root", configMap: { name: "root" } },
      { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token", audience: "istio-ca" } }] } },
      { name: "info", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
    ],
  };
  // A restarted supervisor writes them again over what is there.
  for (let i = 0; i < 2; i++) await materializeVolumes(dir, spec, FACTS, mint);
  const read = (path: string): Promise<string> => readFile(join(dir, "proxy", path), "utf8");
  assert.equal(await read("var/run/root/root.pem"), "PEM");
  assert.equal(await read("var/run/token/token"), "shop/web/istio-ca");
  assert.equal(await read("etc/podinfo/labels"), 'app="web"\n');
  assert.equal((await stat(join(dir, "proxy/var/run/token/token"))).mode & 0o777, 0o600);
  await refreshTokens(dir, spec, FACTS, async () => "next");
  assert.equal(await read("var/run/token/token"), "next");
});

test("a mount or volume cannot leave the pod's directory; a missing ConfigMap is named", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "volumes-"));
  t.after(() => rm(dir, { recursive: true }));
  const mount = { containers: [{ name: "a", volumeMounts: [{ name: "v", mountPath: "../../x" }] }], volumes: [] };
  await assert.rejects(materializeVolumes(dir, mount, FACTS, mint), { code: "invalid_argument" });
  const volume = { containers: [], volumes: [{ name: "../x", emptyDir: {} }] };
  await assert.rejects(materializeVolumes(dir, volume, FACTS, mint), { code: "invalid_argument" });
  const missing = { containers: [], volumes: [{ name: "v", configMap: { name: "gone" } }] };
  await assert.rejects(materializeVolumes(dir, missing, FACTS, mint), {
    message: "ConfigMap shop/gone does not exist",
  });
});
