import assert from "node:assert/strict";
import { test } from "node:test";
import { planRollout, type RolloutPod, rolloutLimits } from "./rollout.ts";

/** `n` is a new pod, `o` an old one; a capital is available, a small letter is not. */
function pods(text: string): (RolloutPod & { readonly at: number })[] {
  return [...text].map((letter, at) => {
    const available = letter === letter.toUpperCase();
    return { at, current: letter.toLowerCase() === "n", ready: available, available };
  });
}

for (const [name, replicas, limits, before, ending, create, end] of [
  ["a first rollout makes all", 3, [1, 0], "", 0, 3, []],
  ["one more is made before any goes", 3, [1, 0], "OOO", 0, 1, []],
  ["nothing goes while the new one is not available", 3, [1, 0], "OOOn", 0, 0, []],
  ["one goes for one that came", 3, [1, 0], "OOON", 0, 0, [0]],
  ["without surge one goes first", 3, [0, 1], "OOO", 0, 0, [0]],
  ["without surge one is made when one has gone", 3, [0, 1], "OO", 1, 1, []],
  ["old ones that serve nobody go first", 3, [1, 0], "oOON", 0, 0, [0]],
  ["an old one that serves nobody stays as long as the new one is not there", 1, [1, 0], "o", 0, 1, []],
  ["the last old ones go", 2, [1, 0], "ONN", 0, 0, [0]],
  ["scaled down: those that are not ready go, then the youngest", 1, [1, 0], "NnN", 0, 0, [1, 2]],
  ["scaled to zero during a rollout: all go", 0, [1, 0], "OON", 0, 0, [2, 0, 1]],
  ["a surge of two", 4, [2, 1], "OOOO", 0, 2, [0]],
] as const)
  test(name, () => {
    const [maxSurge, maxUnavailable] = limits;
    const plan = planRollout(replicas, { recreate: false, maxSurge, maxUnavailable }, pods(before), ending);
    assert.deepEqual([plan.create, plan.end.map(({ at }) => at)], [create, end]);
  });

test("Recreate ends all and makes none before the last has gone", () => {
  const limits = { recreate: true, maxSurge: 1, maxUnavailable: 0 };
  assert.deepEqual(planRollout(2, limits, pods("OO"), 0).create, 0);
  assert.deepEqual(planRollout(2, limits, pods("OO"), 0).end.length, 2);
  assert.deepEqual(planRollout(2, limits, [], 1).create, 0);
  assert.deepEqual(planRollout(2, limits, [], 0).create, 2);
});

test("percentages are of the replicas, the surge rounded up and the unavailable down", () => {
  const of = (replicas: number, rollingUpdate?: object): unknown[] => {
    const { maxSurge, maxUnavailable } = rolloutLimits({
      replicas,
      strategy: { ...(rollingUpdate && { rollingUpdate }) },
    });
    return [maxSurge, maxUnavailable];
  };
  assert.deepEqual(of(1), [1, 0]);
  assert.deepEqual(of(10), [3, 2]);
  assert.deepEqual(of(10, { maxSurge: "50%", maxUnavailable: 0 }), [5, 0]);
  assert.deepEqual(of(3, { maxSurge: 0, maxUnavailable: "10%" }), [0, 1], "something must be able to go on");
});
