import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Kube, kubeMissing, startKube } from "@xebec/testing-kube";

const skip = kubeMissing();
let kube: Kube;

before(async () => {
  if (skip === undefined) kube = await startKube();
});
after(() => kube?.close());

test("a control plane serves and its controllers work", { skip }, async () => {
  await waitFor("the default ServiceAccount", 60_000, () => kube.kubectl(["get", "sa", "default"]), 100);
  const token = await kube.kubectl(["create", "token", "default", "--audience", "istio-ca"]);
  const [, claims = ""] = token.split(".");
  const { aud, sub } = JSON.parse(Buffer.from(claims, "base64url").toString());
  assert.deepEqual({ aud, sub }, { aud: ["istio-ca"], sub: "system:serviceaccount:default:default" });
});

test("the API server goes on where it was when it and etcd were away", { skip }, async () => {
  await kube.kubectl(["create", "configmap", "kept", "--from-literal=a=b"]);
  await kube.plane.apiServer.stop("SIGKILL");
  await kube.plane.etcd.stop("SIGKILL");
  await kube.plane.etcd.start();
  await kube.plane.apiServer.start();
  assert.equal(await kube.kubectl(["get", "configmap", "kept", "-o", "jsonpath={.data.a}"]), "b");
});
