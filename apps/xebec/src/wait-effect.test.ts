import assert from "node:assert/strict";
import { test } from "node:test";
import { XebecError } from "@xebec/core-errors";
import type { ConditionController, ConditionReason } from "@xebec/model-resources";
import { conditionOf } from "./conditions.testkit.ts";
import type { SupervisorQuery } from "./control.ts";
import { type Before, lookBefore, waitForEffect } from "./wait-effect.ts";

const KEY = "networking.istio.io/VirtualService/default/reviews";
const HANDLER = "config.istio.io/handler/default/odd";
const CONTROLLERS = ["pilot", "mixer-policy", "mixer-telemetry"];
const NOTHING: Before = { at: 0, proxies: new Map(), conditions: [] };
const expected = (key: string, hash: string | undefined) => ({ config: new Map([[key, hash]]), local: new Map() });

const proxy = (sent: string, acked: string, error = "", authenticated = true) => ({
  ...{ proxy: "web.default", authenticated },
  ...Object.fromEntries(
    ["cluster", "listener", "endpoint", "route", "extensionconfig"].flatMap((type) => [
      [`${type}_sent`, sent],
      [`${type}_acked`, acked],
    ]),
  ),
  resources: { "type.googleapis.com/envoy.config.listener.v3.Listener": { last_error: error } },
});
const at = (revision: number) => ({ revisions: { galley: revision }, incarnation: "store" });
/** What is published in revision 2; `taken` says how far the controllers have come. */
const published = (hash?: string, { known = true, key = KEY, taken = {} as Record<string, unknown> } = {}) => ({
  known,
  position: at(2),
  hashes: hash === undefined ? {} : { [key]: hash },
  read: {},
  observed: { ...Object.fromEntries(CONTROLLERS.map((each) => [each, at(2)])), ...taken },
});
const condition = (controller: ConditionController, object: string, reason: ConditionReason, message: string) =>
  conditionOf(controller, object, reason, { message });

/** Answers in turn; the last answer of a path stays. */
function answers(turns: Readonly<Record<string, readonly unknown[]>>): { query: SupervisorQuery; queried: string[] } {
  const queried: string[] = [];
  const turn = new Map<string, number>();
  const query = async (path: string): Promise<unknown> => {
    queried.push(path);
    const list = turns[path] ?? [[]];
    const i = turn.get(path) ?? 0;
    turn.set(path, i + 1);
    return list[Math.min(i, list.length - 1)];
  };
  return { query: query as SupervisorQuery, queried };
}

test("a change is in effect when it is published, applied by all and every proxy has accepted what came of it", async () => {
  const { query, queried } = answers({
    "/published": [
      published("old"),
      published("new", { known: false }),
      published("new", { taken: { pilot: at(1) } }),
      published("new", { taken: { pilot: at(1) } }),
      published("new"),
    ],
    "/proxies?strict": [[proxy("1", "1")], [proxy("2", "1")], [proxy("2", "2")]],
  });
  const verdict = await waitForEffect(expected(KEY, "new"), query, 10_000, NOTHING);
  assert.deepEqual(verdict, { refused: [], outstanding: [], remarks: [] });
  assert.equal(queried.filter((path) => path === "/published").length, 5);
  assert.equal(queried.filter((path) => path === "/proxies?strict").length, 4);
});

test("an object that was deleted has to be gone", async () => {
  const { query } = answers({ "/published": [published("old"), published()], "/proxies?strict": [[]] });
  const verdict = await waitForEffect(expected(KEY, undefined), query, 10_000, NOTHING);
  assert.deepEqual(verdict, { refused: [], outstanding: [], remarks: [] });
});

test("what every controller refuses is reported, also of several controllers at once", async () => {
  const { query } = answers({
    "/published": [published("new", { key: HANDLER })],
    "/proxies?strict": [[]],
    "/conditions": [
      [
        condition("galley", HANDLER, "Accepted", ""),
        condition("mixer-telemetry", HANDLER, "UnknownAdapter", 'there is no adapter "odd"'),
        condition("mixer-policy", HANDLER, "UnknownAdapter", 'there is no adapter "odd"'),
      ],
    ],
  });
  const { refused } = await waitForEffect(expected(HANDLER, "new"), query, 10_000, NOTHING);
  assert.deepEqual(refused, [
    'handler default/odd: refused by mixer-policy, mixer-telemetry: there is no adapter "odd"',
  ]);
});

test("a controller that is down or slow is named, and so is one that cannot apply what it read", async () => {
  const processes = [{ kind: "service", name: "mixer-policy", ready: false, problem: "not running" }];
  const turns = (taken: Record<string, unknown>) => ({
    "/published": [published("new", { key: HANDLER, taken })],
    "/proxies?strict": [[]],
    "/status": [{ processes: [...processes, { kind: "service", name: "pilot", ready: true, problem: "" }] }],
  });
  const late = answers(turns({ "mixer-policy": at(1), pilot: { ...at(3), incarnation: "another store" } }));
  const { outstanding } = await waitForEffect(expected(HANDLER, "new"), late.query, 0, NOTHING);
  assert.deepEqual(outstanding, [
    'the verdict of pilot is outstanding; see "npx xebec check"',
    'the verdict of mixer-policy is outstanding: not running; see "npx xebec check"',
  ]);
  const broken = answers(turns({ "mixer-policy": { ...at(2), error: "it broke" } }));
  const verdict = await waitForEffect(expected(HANDLER, "new"), broken.query, 10_000, NOTHING);
  assert.deepEqual(verdict.outstanding, ["mixer-policy: it broke"]);
});

test("what nobody but pilot reads waits for nobody else", async () => {
  const { query } = answers({
    "/published": [published("new", { taken: { "mixer-policy": at(1) } })],
    "/proxies?strict": [[]],
  });
  assert.deepEqual((await waitForEffect(expected(KEY, "new"), query, 0, NOTHING)).outstanding, []);
});

test("what is unknown is not claimed", async () => {
  const of = async (turns: Record<string, unknown[]>) =>
    (await waitForEffect(expected(KEY, "new"), answers(turns).query, 0, NOTHING)).outstanding.join();
  assert.match(
    await of({ "/published": [published(undefined, { known: false })] }),
    /^it is unknown whether galley has published it/,
  );
  assert.match(
    await of({ "/published": [published("old")] }),
    /^galley has not published VirtualService default\/reviews yet/,
  );
  assert.match(
    await of({ "/published": [published("new")], "/proxies?strict": [[proxy("2", "1")]] }),
    /^not every proxy has accepted it yet \(web\.default\)/,
  );
});

test("an object of the local platform has to be read by it", async () => {
  const local = new Map([["Service/default/web", "hash"]]);
  const old = answers({ "/published": [{ ...published(), read: { "Service/default/web": "old" } }] });
  const verdict = await waitForEffect({ config: new Map(), local }, old.query, 0, NOTHING);
  assert.match(verdict.outstanding.join(), /^the local platform has not read Service default\/web yet/);
  const now = answers({ "/published": [{ ...published(), read: { "Service/default/web": "hash" } }] });
  assert.deepEqual((await waitForEffect({ config: new Map(), local }, now.query, 0, NOTHING)).outstanding, []);
});

test("a rejection by galley or by a proxy is reported with its reason", async () => {
  const galley = answers({
    "/published": [published("old")],
    "/conditions": [[condition("galley", KEY, "Invalid", "bad")]],
  });
  assert.deepEqual((await waitForEffect(expected(KEY, "new"), galley.query, 10_000, NOTHING)).refused, [
    "VirtualService default/reviews: refused by galley: bad",
  ]);
  const envoy = answers({ "/published": [published("new")], "/proxies?strict": [[proxy("2", "1", "no")]] });
  assert.deepEqual((await waitForEffect(expected(KEY, "new"), envoy.query, 10_000, NOTHING)).refused, [
    "web.default rejects its listeners: no",
  ]);
});

test("an earlier rejection is not reported as a result of this change", async () => {
  const other = condition("pilot", "networking.istio.io/Gateway/default/web", "NoProxySelected", "nothing selects it");
  const { query } = answers({
    "/published": [published("new")],
    "/proxies?strict": [[proxy("2", "2", "no")]],
    "/conditions": [[other]],
  });
  const verdict = await waitForEffect(expected(KEY, "new"), query, 1_000, await lookBefore(query));
  assert.deepEqual(verdict, { refused: [], outstanding: [], remarks: [] });
});

test("an object that is rejected already is reported as rejected when it is applied again", async () => {
  const { query } = answers({
    "/published": [published("new")],
    "/proxies?strict": [[proxy("2", "2", "no")]],
    "/conditions": [[condition("pilot", KEY, "ProxyRejected", "web.default: no")]],
  });
  const again = await waitForEffect(expected(KEY, "new"), query, 1_000, await lookBefore(query));
  assert.deepEqual(again.refused, ["VirtualService default/reviews: refused by pilot: web.default: no"]);
});

test("what a change takes away from other objects is reported", async () => {
  const rule = "config.istio.io/rule/default/deny";
  const { query } = answers({
    "/published": [published(undefined, { key: HANDLER })],
    "/proxies?strict": [[]],
    "/conditions": [[], [condition("mixer-policy", rule, "NoAction", "there is no handler")]],
  });
  const before = await lookBefore(query);
  const { refused, remarks } = await waitForEffect(expected(HANDLER, undefined), query, 10_000, before);
  assert.deepEqual(refused, []);
  assert.match(remarks.join(), /^rule default\/deny: since this change, says mixer-policy: there is no handler/);
});

test("without pilot nobody knows", async () => {
  const silent = answers({ "/published": [published("new")] });
  const query = async (path: string): Promise<unknown> => {
    if (path === "/proxies?strict") throw new XebecError("unavailable", "pilot does not answer");
    return silent.query(path as "/published");
  };
  const { outstanding } = await waitForEffect(expected(KEY, "new"), query as SupervisorQuery, 10_000, NOTHING);
  assert.deepEqual(outstanding, ["it is unknown whether it is in effect: pilot does not answer"]);
});

test("parts without effect are reported with their paths, each once", async () => {
  const text = "spec.http[0].route[0].destination.subset: no DestinationRule defines it";
  const { query } = answers({
    "/published": [published("new")],
    "/proxies?strict": [[]],
    "/conditions": [[condition("pilot", KEY, "PartlyResolved", text)]],
  });
  const { refused, remarks } = await waitForEffect(expected(KEY, "new"), query, 10_000, NOTHING);
  assert.deepEqual(refused, []);
  assert.deepEqual(remarks, [`VirtualService default/reviews: not all of it has an effect, says pilot: ${text}`]);
});

test("a client that only says that it is a proxy neither holds up a change nor makes it red", async () => {
  const stranger = proxy("2", "1", "everything is wrong", false);
  const { query } = answers({ "/published": [published("new")], "/proxies?strict": [[proxy("2", "2"), stranger]] });
  const before = await lookBefore(query);
  assert.equal(before.proxies.size, 0);
  const verdict = await waitForEffect(expected(KEY, "new"), query, 10_000, NOTHING);
  assert.deepEqual([verdict.refused, verdict.outstanding], [[], []]);
});
