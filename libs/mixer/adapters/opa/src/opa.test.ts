import assert from "node:assert/strict";
import { test } from "node:test";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { createAdapter } from "./opa.ts";

// The policy of Istio 1.1's sample, in its form.
const POLICY = `package mixerauthz
policy = [
  {"rule": {"verbs": ["GET"], "users": ["ann"]}},
  {"rule": {"verbs": ["GET", "POST"], "users": ["root"]}},
]
default allow = false
allow = true {
  rule = policy[_].rule
  input.subject.user = rule.users[_]
  input.action.method = rule.verbs[_]
}`;
const NAME = { name: "a.authorization.default", types: {} };
const ask = async (params: object, subject: object, action: object = {}) => {
  const handler = await startHandler(createAdapter(), params);
  return handler.check?.({ ...NAME, subject, action } as never, "authorization");
};
const DENIED = { code: 7, message: "opa: request was rejected", validMs: 0, validUses: 0 };
const OK = { code: 0, message: "", validMs: 0, validUses: 0 };

test("the policy decides about subject and action", async () => {
  const params = { policy: [POLICY], checkMethod: "data.mixerauthz.allow" };
  assert.deepEqual(await ask(params, { user: "ann" }, { method: "GET" }), OK);
  assert.deepEqual(await ask(params, { user: "ann" }, { method: "POST" }), DENIED);
  assert.deepEqual(await ask(params, { user: "root" }, { method: "POST" }), OK);
  assert.deepEqual(await ask(params, {}), DENIED);
});

test("groups are a list, properties keep their types, and what is empty is left out", async () => {
  const policy = `package t
allow { input == {"subject": {"groups": ["g"], "properties": {"n": 1, "ip": "10.0.0.1"}}, "action": {"path": "/a"}} }`;
  const properties = { names: ["ip", "n"], types: ["IP_ADDRESS", "INT64"], values: [Uint8Array.of(10, 0, 0, 1), 1] };
  const params = { policy: [policy], check_method: "data.t.allow", fail_close: true };
  assert.deepEqual(await ask(params, { user: "", groups: "g", properties }, { path: "/a", method: "" }), OK);
});

test("what is wrong is refused, or denies everything with failClose", async () => {
  const adapter = createAdapter();
  assert.match(paramErrors(adapter, {})[0] ?? "", /^checkMethod: is required/);
  assert.match(paramErrors(adapter, { checkMethod: "data.a" })[0] ?? "", /^policy: is required/);
  assert.match(paramErrors(adapter, { checkMethod: "data.a", policy: ["x"] })[0] ?? "", /^policy: policy\[0\]: line 1/);
  const params = { checkMethod: "data.a", policy: ["x"], failClose: true };
  assert.deepEqual(paramErrors(adapter, params), []);
  assert.deepEqual(await ask(params, { user: "ann" }), DENIED);
});

test("a request whose evaluation fails, or has no boolean, passes unless failClose is set", async () => {
  for (const rule of ["allow = 1", "allow { input.subject.user == 1 }", "allow { y > 1 }"])
    for (const failClose of [false, true]) {
      const params = { policy: [`package t\n${rule}`], checkMethod: "data.t.allow", failClose };
      assert.deepEqual(await ask(params, { user: "ann" }), failClose ? DENIED : OK, rule);
    }
});
