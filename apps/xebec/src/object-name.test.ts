import assert from "node:assert/strict";
import { test } from "node:test";
import { kubectlName, objectName } from "./object-name.ts";

test("names as kubectl writes them", () => {
  assert.equal(
    kubectlName("networking.istio.io/v1", "VirtualService", "reviews"),
    "virtualservice.networking.istio.io/reviews",
  );
  assert.equal(kubectlName("v1", "Service", "reviews"), "service/reviews");
});

test("keys of the mesh become words; a file without object has none", () => {
  assert.equal(objectName("networking.istio.io/VirtualService/default/reviews"), "VirtualService default/reviews");
  assert.equal(objectName("file/broken.yaml"), "");
});
