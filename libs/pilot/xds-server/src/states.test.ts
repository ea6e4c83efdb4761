import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { resourceType } from "@xebec/pilot-xds-gen";
import { RESUMPTION_TRANSITIONS } from "./connection/resumption.ts";
import { CONNECTION_TRANSITIONS } from "./connection/states.ts";
import { nextState } from "./state-machine.ts";
import { type RequestEvent, requestEvent, SUBSCRIPTION_TRANSITIONS } from "./subscription/states.ts";
import { Subscription } from "./subscription/subscription.ts";

const DOCUMENT = readFileSync(join(import.meta.dirname, "../../../../docs/xds-server.md"), "utf8");

/** The tables of a section, each as rows of cells. */
function tables(section: string): string[][][] {
  const text = DOCUMENT.split(`\n## ${section}\n`)[1]?.split("\n## ")[0] ?? "";
  return text.split("\n\n").flatMap((block) => {
    const rows = block.split("\n").filter((line) => line.startsWith("|") && !line.startsWith("|---"));
    const cells = rows.map((row) => row.split("|").slice(1, -1));
    return rows.length > 1 ? [cells.map((row) => row.map((cell) => cell.trim().replaceAll("`", "")))] : [];
  });
}

/** The table of transitions in a section: the one whose header has events. */
function documented(section: string): Record<string, Record<string, string>> {
  const [header = [], ...rows] =
    tables(section).find(
      ([header = []]) => (header[0] === "State" && header.length > 2) || header[1] === "initialVersions",
    ) ?? [];
  return Object.fromEntries(
    rows.map(([state = "", ...cells]) => [
      state,
      Object.fromEntries(cells.flatMap((to, n) => (to === "" ? [] : [[header[n + 1] as string, to]]))),
    ]),
  );
}

describe("docs/xds-server.md", () => {
  for (const [section, table] of [
    ["Subscription", SUBSCRIPTION_TRANSITIONS],
    ["Connection", CONNECTION_TRANSITIONS],
    ["Resumption", RESUMPTION_TRANSITIONS],
  ] as const) {
    it(`has the transitions of the code: ${section}`, () => assert.deepEqual(documented(section), table));

    it(`explains every state: ${section}`, () => {
      const states = tables(section).find(([header]) => header?.join() === "State,What it means") ?? [];
      assert.deepEqual(
        states.slice(1).map(([state]) => state),
        Object.keys(table),
      );
    });
  }

  it("explains every event of a subscription and of a connection", () => {
    for (const [section, table] of [
      ["Subscription", SUBSCRIPTION_TRANSITIONS],
      ["Connection", CONNECTION_TRANSITIONS],
    ] as const) {
      const events = tables(section).find(([header]) => header?.join() === "Event,When") ?? [];
      const known = new Set(Object.values(table).flatMap((each) => Object.keys(each)));
      assert.deepEqual(new Set(events.slice(1).map(([event]) => event)), known);
    }
  });

  it("explains every field of a subscription", () => {
    const fields = tables("Subscription").find(([header]) => header?.[0] === "Field") ?? [];
    const names = fields.slice(1).flatMap(([cell = ""]) => cell.split(", "));
    assert.deepEqual(
      new Set(names),
      new Set(Object.keys(new Subscription(resourceType("cluster"))).filter((name) => name !== "type")),
    );
  });
});

describe("a request's event", () => {
  const LAST = "n2";
  const error = { code: 13, message: "no" };
  const cases: [
    state: keyof typeof SUBSCRIPTION_TRANSITIONS,
    nonce: string,
    isNack: boolean,
    sotw: RequestEvent,
    delta: RequestEvent,
  ][] = [
    ["initial", "", false, "subscribe", "subscribe"],
    ["initial", "n1", false, "subscribe", "subscribe"],
    ["initial", "n1", true, "subscribe", "subscribe"],
    ["awaitingAck", "", false, "restart", "subscribe"],
    ["awaitingAck", "n1", false, "stale", "stale"],
    ["awaitingAck", "n1", true, "stale", "stale"],
    ["awaitingAck", LAST, false, "ack", "ack"],
    ["awaitingAck", LAST, true, "nack", "nack"],
    ["overdue", "", false, "restart", "subscribe"],
    ["overdue", "n1", false, "stale", "stale"],
    ["overdue", LAST, false, "ack", "ack"],
    ["overdue", LAST, true, "nack", "nack"],
    ["idle", "", false, "restart", "subscribe"],
    ["idle", "n1", false, "stale", "stale"],
    ["idle", LAST, false, "subscribe", "subscribe"],
    ["idle", LAST, true, "subscribe", "subscribe"],
  ];
  for (const [state, nonce, isNack, sotw, delta] of cases)
    it(`in ${state}, nonce "${nonce}"${isNack ? ", error" : ""}: ${sotw === delta ? sotw : `${sotw}, in Delta ${delta}`}`, () => {
      const request = { nonce, error: isNack ? error : undefined };
      for (const [isDelta, expected] of [
        [false, sotw],
        [true, delta],
      ] as const) {
        const event = requestEvent(state, LAST, request, isDelta);
        assert.equal(event, expected);
        assert.ok(nextState(SUBSCRIPTION_TRANSITIONS, state, event), "it can happen in this state");
      }
    });
});

it("an event that cannot happen is an error of this program, and changes nothing", () => {
  const sub = new Subscription(resourceType("cluster"));
  assert.throws(() => sub.apply("ack"), /the event ack cannot happen in the state initial/);
  assert.equal(sub.state, "initial");
});
