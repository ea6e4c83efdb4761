import assert from "node:assert/strict";
import { it } from "node:test";
import type { Identity } from "@xebec/model-names";
import { SecretAccess } from "./secret-access.ts";

const identity = (serviceAccount: string): Identity => ({
  trustDomain: "cluster.local",
  namespace: "default",
  serviceAccount,
});
const answered = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("Secrets are for identities that the authorizer allows, which is asked once a minute", async ({ mock }) => {
  let now = 0;
  mock.method(performance, "now", () => now);
  const asked: string[] = [];
  let allowed = true;
  const access = new SecretAccess(async ({ serviceAccount }) => {
    asked.push(serviceAccount);
    return allowed && serviceAccount === "gateway";
  });
  let calls = 0;
  const look = (name: string): boolean => access.isAllowed(identity(name), () => calls++);
  assert.equal(look("gateway"), false);
  await answered();
  assert.deepEqual([look("gateway"), calls], [true, 1]);
  look("app");
  await answered();
  assert.equal(look("app"), false);
  assert.deepEqual(asked, ["gateway", "app"]);
  allowed = false;
  now = 61_000;
  assert.equal(look("gateway"), true);
  await answered();
  assert.deepEqual([look("gateway"), asked.length], [false, 3]);
});

it("where nobody manages rights, whoever has proved who it is may have them", () => {
  const access = new SecretAccess(undefined);
  assert.equal(
    access.isAllowed(identity("any"), () => {}),
    true,
  );
  assert.equal(
    access.isAllowed(undefined, () => {}),
    false,
  );
});

it("a question that fails is a no", async () => {
  const access = new SecretAccess(async () => {
    throw new Error("no API server");
  });
  access.isAllowed(identity("gateway"), () => {});
  await answered();
  assert.equal(
    access.isAllowed(identity("gateway"), () => {}),
    false,
  );
});
