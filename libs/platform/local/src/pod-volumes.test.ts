import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PodFacts } from "./pod-environment.ts";
import { materializeVolumes, refreshVolumes } from "./pod-volumes.ts";

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
const issueToken = async (namespace: string, account: string, audience: string, seconds = 0): Promise<string> =>
  `${namespace}/${account}/${audience}/${seconds}`;

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
  for (let i = 0; i < 2; i++) await materializeVolumes(dir, spec, FACTS, issueToken);
  const read = (path: string): Promise<string> => readFile(join(dir, "proxy", path), "utf8");
  assert.equal(await read("var/run/root/root.pem"), "PEM");
  assert.equal(await read("var/run/token/token"), "shop/web/istio-ca/86400");
  assert.equal(await read("etc/podinfo/labels"), 'app="web"\n');
  assert.equal((await stat(join(dir, "proxy/var/run/token/token"))).mode & 0o777, 0o600);
  await refreshVolumes(dir, spec, FACTS, async () => "next", true);
  assert.equal(await read("var/run/token/token"), "next");
});

test("a mount or volume cannot leave the pod's directory; a missing ConfigMap is named", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "volumes-"));
  t.after(() => rm(dir, { recursive: true }));
  const mount = { containers: [{ name: "a", volumeMounts: [{ name: "v", mountPath: "../../x" }] }], volumes: [] };
  await assert.rejects(materializeVolumes(dir, mount, FACTS, issueToken), { code: "invalid_argument" });
  const volume = { containers: [], volumes: [{ name: "../x", emptyDir: {} }] };
  await assert.rejects(materializeVolumes(dir, volume, FACTS, issueToken), { code: "invalid_argument" });
  const sub = { containers: [{ name: "a", volumeMounts: [{ name: "v", mountPath: "/x", subPath: "../../b" }] }] };
  await assert.rejects(materializeVolumes(dir, sub, FACTS, issueToken), {
    code: "invalid_argument",
    message: /not a path inside/,
  });
  for (const path of ["../../../escaped", "/etc/x", "a/../b", "", "a//b"]) {
    const token = { name: "v", projected: { sources: [{ serviceAccountToken: { path } }] } };
    await assert.rejects(materializeVolumes(dir, { containers: [], volumes: [token] }, FACTS, issueToken), {
      message: /is not a path inside of its volume/,
    });
  }
  const missing = { containers: [], volumes: [{ name: "v", configMap: { name: "gone" } }] };
  await assert.rejects(materializeVolumes(dir, missing, FACTS, issueToken), {
    message: "ConfigMap shop/gone does not exist",
  });
});

test("a token is for its audience and lifetime, and is written anew when half of its life has passed", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "volumes-"));
  t.after(() => rm(dir, { recursive: true }));
  const volume = (name: string, ...tokens: { path: string; audience?: string; expirationSeconds?: number }[]) => ({
    name,
    projected: { sources: tokens.map((serviceAccountToken) => ({ serviceAccountToken })) },
  });
  const spec = {
    containers: [],
    volumes: [
      volume(
        "vault",
        { path: "deep/token", audience: "vault", expirationSeconds: 3_600 },
        { path: "short", expirationSeconds: 1 },
      ),
      volume("istio-token", { path: "istio-token", expirationSeconds: 1e9 }),
    ],
  };
  await materializeVolumes(dir, spec, FACTS, issueToken);
  const read = (path: string): Promise<string> => readFile(join(dir, "volumes", path), "utf8");
  assert.equal(await read("vault/deep/token"), "shop/web/vault/3600");
  assert.equal(await read("vault/short"), "shop/web/https://kubernetes.default.svc/600");
  assert.equal(await read("istio-token/istio-token"), "shop/web/istio-ca/86400");
  const old = (path: string, seconds: number): Promise<void> => {
    const then = Date.now() / 1_000 - seconds;
    return utimes(join(dir, "volumes", path), then, then);
  };
  await old("vault/deep/token", 1_900);
  await old("vault/short", 200);
  await refreshVolumes(dir, spec, FACTS, async () => "next", false);
  assert.equal(await read("vault/deep/token"), "next");
  assert.equal(await read("vault/short"), "shop/web/https://kubernetes.default.svc/600");
});

test("a file follows its ConfigMap, and stays when that is gone", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "volumes-"));
  t.after(() => rm(dir, { recursive: true }));
  const spec = { containers: [], volumes: [{ name: "root", configMap: { name: "root" } }] };
  await materializeVolumes(dir, spec, FACTS, issueToken);
  const metadata = { name: "root", namespace: "shop", labels: {}, annotations: {} };
  const next: PodFacts = { ...FACTS, data: (kind) => ({ kind, metadata, data: { "root.pem": "NEXT" } }) };
  await refreshVolumes(dir, spec, next, issueToken, false);
  const file = join(dir, "volumes/root/root.pem");
  assert.equal(await readFile(file, "utf8"), "NEXT");
  await refreshVolumes(dir, spec, { ...FACTS, data: () => undefined }, issueToken, false);
  assert.equal(await readFile(file, "utf8"), "NEXT");
});
