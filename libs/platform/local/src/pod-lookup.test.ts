import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseContainer, findPod, podIn } from "./pod-lookup.ts";

const PODS = [
  { namespace: "default", name: "web-1-a", deployment: "web" },
  { namespace: "shop", name: "web-2-b", deployment: "web" },
  { namespace: "shop", name: "web", deployment: "other" },
];
const find = (text: string): string | undefined => findPod(PODS, (pod) => pod, text)?.name;

test("a pod is found by each of the names that commands print", () => {
  for (const text of ["web-2-b", "shop/web-2-b", "web-2-b.shop"]) assert.equal(find(text), "web-2-b", text);
  for (const text of ["default/web", "web.default"]) assert.equal(find(text), "web-1-a", text);
  assert.equal(find("shop/web"), "web", "its own name goes before that of a Deployment");
  for (const text of ["nobody", "none/web-1-a", "web-1"]) assert.equal(find(text), undefined, text);
});

test("kubectl's words say whether a pod or a Deployment is meant, and the flag -n where", () => {
  assert.equal(find("deploy/web"), "web-1-a");
  assert.equal(find("deployment.apps/web.shop"), "web-2-b");
  assert.equal(find("pod/web"), "web");
  assert.equal(find("po/web-1"), undefined);
  assert.equal(find(podIn("deploy/web", "shop")), "web-2-b");
  assert.equal(find(podIn("web", "shop")), "web");
  assert.equal(find(podIn("web.default", "shop")), "web-1-a", "what the name says goes before the flag");
  assert.equal(find(podIn("default/web", "shop")), "web-1-a");
  assert.equal(podIn("web", undefined), "web");
});

test("a container that there is none of is refused with those that there are", () => {
  assert.equal(chooseContainer("web", ["istio-proxy", "app"], undefined), "app");
  assert.equal(chooseContainer("gateway", ["istio-proxy"], undefined), "istio-proxy");
  assert.equal(chooseContainer("web", ["istio-proxy", "app"], "istio-proxy"), "istio-proxy");
  assert.throws(() => chooseContainer("web", ["istio-proxy", "app"], "nope"), {
    code: "not_found",
    message: 'web has no container "nope"; it has istio-proxy, app',
  });
  assert.throws(() => chooseContainer("web", [], undefined), /no container that runs yet/);
});
