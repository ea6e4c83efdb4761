import assert from "node:assert/strict";
import { test } from "node:test";
import { XebecError } from "@xebec/core-errors";
import { type Ask, refusalsNow, waitForEffect } from "./wait-effect.ts";

const KEY = "networking.istio.io/VirtualService/default/reviews";
const proxy = (sent: string, acked: string, error = "") => ({
  proxy: "web.default",
  ...Object.fromEntries(
    ["cluster", "listener", "endpoint", "route"].flatMap((type) => [
      [`${type}_sent`, sent],
      [`${type}_acked`, acked],
    ]),
  ),
  resources: { "type.googleapis.com/envoy.config.listener.v3.Listener": { last_error: error } },
});
const published = (mark?: string, known = true) => ({ known, marks: mark === undefined ? {} : { [KEY]: mark } });

/** Answers in turn; the last answer of a path stays. */
function answers(turns: Readonly<Record<string, readonly unknown[]>>): { ask: Ask; asked: string[] } {
  const asked: string[] = [];
  const at = new Map<string, number>();
  const ask = async (path: string): Promise<unknown> => {
    asked.push(path);
    const list = turns[path] ?? [[]];
    const i = at.get(path) ?? 0;
    at.set(path, i + 1);
    return list[Math.min(i, list.length - 1)];
  };
  return { ask: ask as Ask, asked };
}

test("a change is in effect when it is published and every proxy has accepted what came of it", async () => {
  const { ask, asked } = answers({
    "/published": [published("old"), published("new", false), published("new")],
    "/proxies?strict": [[proxy("1", "1")], [proxy("2", "1")], [proxy("2", "2")]],
  });
  assert.equal(await waitForEffect(new Map([[KEY, "new"]]), ask), "");
  assert.equal(asked.filter((path) => path === "/published").length, 3);
  assert.equal(asked.filter((path) => path === "/proxies?strict").length, 4);
});

test("an object that was deleted has to be gone", async () => {
  const { ask } = answers({ "/published": [published("old"), published()], "/proxies?strict": [[]] });
  assert.equal(await waitForEffect(new Map([[KEY, undefined]]), ask), "");
});

test("what cannot be told is not claimed", async () => {
  const wanted = new Map([[KEY, "new"]]);
  const unknown = answers({ "/published": [published(undefined, false)] });
  assert.match(await waitForEffect(wanted, unknown.ask, 0), /^it cannot be told whether galley has published it/);
  const old = answers({ "/published": [published("old")] });
  assert.match(
    await waitForEffect(wanted, old.ask, 0),
    /^galley has not published VirtualService default\/reviews yet/,
  );
  const late = answers({ "/published": [published("new")], "/proxies?strict": [[proxy("2", "1")]] });
  assert.match(await waitForEffect(wanted, late.ask, 0), /^not every proxy has accepted it yet \(web\.default\)/);
});

test("a refusal is told with its reason", async () => {
  const wanted = new Map([[KEY, "new"]]);
  const galley = answers({
    "/published": [published("old")],
    "/conditions": [[{ consumer: "galley", state: "rejected", object: KEY, message: "bad" }]],
  });
  assert.equal(await waitForEffect(wanted, galley.ask, 0), "galley refuses VirtualService default/reviews: bad");
  const envoy = answers({ "/published": [published("new")], "/proxies?strict": [[proxy("2", "1", "no")]] });
  assert.match(await waitForEffect(wanted, envoy.ask), /^web\.default refuses its listeners; /);
});

test("a refusal of before is not this change's fault", async () => {
  const { ask } = answers({ "/published": [published("new")], "/proxies?strict": [[proxy("2", "2", "no")]] });
  const before = await refusalsNow(ask);
  assert.equal(await waitForEffect(new Map([[KEY, "new"]]), ask, 1_000, before), "");
});

test("without pilot nobody knows", async () => {
  const silent = answers({ "/published": [published("new")] });
  const ask = async (path: string): Promise<unknown> => {
    if (path === "/proxies?strict") throw new XebecError("unavailable", "pilot does not answer");
    return silent.ask(path as "/published");
  };
  assert.deepEqual(await refusalsNow(ask as Ask), new Map());
  assert.equal(
    await waitForEffect(new Map([[KEY, "new"]]), ask as Ask),
    "it cannot be told whether it is in effect: pilot does not answer",
  );
});

test("what has no effect in an object that was applied is said", async () => {
  const { ask } = answers({
    "/published": [published("new")],
    "/proxies?strict": [[proxy("2", "2")]],
    "/conditions": [
      [{ consumer: "pilot", state: "attached", reason: "PartlyResolved", object: KEY, message: "no v9" }],
    ],
  });
  assert.equal(
    await waitForEffect(new Map([[KEY, "new"]]), ask),
    "not all of it has an effect:\n  VirtualService default/reviews: no v9",
  );
});
