import assert from "node:assert/strict";
import { mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { addressPlan, SERVICES } from "./address-plan.ts";
import { controlPlaneRecords } from "./records.ts";
import { MAX_REPLICAS, parseReplicas, replicaName, replicaOf } from "./replicas.ts";
import { citadelDir, replicaStateDir, rootFile, shareRoot, waitsForRoot } from "./services.ts";

test("numbers of copies are read, and what cannot run in copies is refused", () => {
  assert.deepEqual(parseReplicas(["pilot=2", "mixer-policy=4"]), { pilot: 2, "mixer-policy": 4 });
  for (const text of ["galley=2", "pilot", "pilot=", "pilot=two", "pilot=-1", ""])
    assert.throws(
      () => parseReplicas([text]),
      { code: "invalid_argument", message: /one of pilot, mixer-policy/ },
      text,
    );
  for (const text of ["pilot=0", `pilot=${MAX_REPLICAS + 1}`])
    assert.throws(() => parseReplicas([text]), { code: "invalid_argument", message: /from 1 to/ }, text);
});

test("the name of a copy says what it is", () => {
  for (const component of [...SERVICES, "istiod" as const])
    for (const replica of [1, 2, MAX_REPLICAS])
      assert.deepEqual(replicaOf(replicaName(component, replica)), { component, replica });
  assert.equal(replicaOf("nats"), undefined);
});

test("every copy of every service has an address of its own", () => {
  const plan = addressPlan(60);
  const all = [plan.nats];
  for (const service of SERVICES)
    for (let replica = 1; replica <= MAX_REPLICAS; replica++) all.push(plan.service(service, replica));
  assert.equal(new Set(all).size, all.length);
  for (const address of all) assert.match(address, /^127\.60\.0\.\d{1,2}$/);
});

test("the services of Mixer have all copies as endpoints; that of pilot has the one address that they share", () => {
  const plan = addressPlan(60);
  const addresses = (name: string, records: ReturnType<typeof controlPlaneRecords>) =>
    records.flatMap((each) =>
      each.type === "endpoints" && each.name === name
        ? each.subsets.flatMap((subset) => subset.addresses.map(({ ip }) => ip))
        : [],
    );
  const services = controlPlaneRecords(plan, false, { pilot: 2, "mixer-policy": 2 });
  assert.deepEqual(addresses("istio-policy", services), [
    plan.service("mixer-policy"),
    plan.service("mixer-policy", 2),
  ]);
  assert.deepEqual(addresses("istio-telemetry", services), [plan.service("mixer-telemetry")]);
  assert.deepEqual(addresses("istio-pilot", services), [plan.service("pilot")]);
  const monolith = controlPlaneRecords(plan, true, { istiod: 2, "mixer-policy": 4 });
  assert.deepEqual(addresses("istio-policy", monolith), [
    plan.service("mixer-policy"),
    plan.service("mixer-policy", 2),
  ]);
});

test("a copy of the monolith waits for the root of the first one, and has the same", async () => {
  using folder = tempDir();
  const runDir = folder.path;
  const spec = (name: string) => ({ name, command: ["x"] as [string], env: {}, cwd: "/", logFile: "" });
  assert.deepEqual(
    ["service/istiod", "service/istiod-2", "service/pilot-2", "service/nats"].map((name) =>
      waitsForRoot(spec(name), runDir),
    ),
    [false, true, false, false],
  );
  mkdirSync(dirname(rootFile(runDir)), { recursive: true });
  writeFileSync(rootFile(runDir), "root");
  assert.equal(waitsForRoot(spec("service/istiod-2"), runDir), false);
  for (let again = 0; again < 2; again++) await shareRoot(runDir, { istiod: 3 });
  for (const replica of [2, 3])
    assert.equal(readlinkSync(join(replicaStateDir(runDir, "istiod", replica), "citadel")), citadelDir(runDir));
});
