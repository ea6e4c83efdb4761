import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { prepareConfig } from "./prepare-config.ts";

const SAMPLE = [
  "bookinfo-gateway.yaml",
  "bookinfo.yaml",
  "destination-rule-all.yaml",
  "ingress-gateway.yaml",
  "metrics.yaml",
];
const DESTINATION = `apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: reviews }
spec: { host: reviews }
`;

test("an empty directory gets the sample", () => {
  using folder = tempDir();
  assert.deepEqual(readdirSync(prepareConfig(folder.path, undefined)).sort(), SAMPLE);
});

test("rules that were applied before the first start do not keep the sample away, and stay as they are", () => {
  using folder = tempDir();
  mkdirSync(folder.file("config"));
  writeFileSync(folder.file("config/mine.yaml"), DESTINATION);
  prepareConfig(folder.path, undefined);
  assert.deepEqual(readdirSync(folder.file("config")).sort(), [...SAMPLE, "mine.yaml"].sort());
  const rules = readFileSync(folder.file("config/destination-rule-all.yaml"), "utf8");
  assert.doesNotMatch(rules, /name: reviews$/m, "an object has one file");
  assert.match(rules, /name: ratings$/m);
});

test("what somebody runs or has emptied on purpose is left alone", () => {
  using folder = tempDir();
  mkdirSync(folder.file("config"));
  writeFileSync(folder.file("config/web.yaml"), "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\n");
  prepareConfig(folder.path, undefined);
  assert.deepEqual(readdirSync(folder.file("config")), ["web.yaml"]);
  writeFileSync(folder.file("config/web.yaml"), DESTINATION);
  writeFileSync(folder.file("options.json"), "{}");
  prepareConfig(folder.path, undefined);
  assert.deepEqual(readdirSync(folder.file("config")), ["web.yaml"]);
});
