import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RESULTS_FORMAT, type Results, type Sample, summarize } from "../results.ts";
import { findings, leadOf } from "./findings.ts";

const SHAPES = ["services", "monolith"];

function resultsOf(
  values: Readonly<Record<string, readonly [services: readonly number[], monolith: readonly number[]]>>,
): Results {
  const samples = Object.entries(values).flatMap(([key, of]) =>
    SHAPES.flatMap((shape, i) =>
      (of[i] ?? []).map((value, n): Sample => {
        const [group = "", figure = ""] = key.split("|");
        return { scenario: "s", group, figure, unit: "s", shape, repetition: n + 1, value };
      }),
    ),
  );
  const machine = { cores: 2, processor: "", memoryMib: 1, kernel: "", loadBefore: 0 };
  return {
    ...{ format: RESULTS_FORMAT, command: "", started: "", ended: "", complete: true, machine, versions: {} },
    ...{
      shapes: SHAPES,
      repetitions: 5,
      scenarios: [],
      samples,
      summaries: summarize(samples, SHAPES),
      facts: [],
      problems: [],
    },
  };
}

describe("the summary in words", () => {
  const results = resultsOf({
    "cold start|first request": [
      [9, 9.1, 9.2, 9.3, 9.4],
      [6, 6.1, 6.2, 6.3, 6.4],
    ],
    "memory at rest|control plane": [
      [1, 1.1, 1.2, 1.3, 1.4],
      [2, 2.1, 2.2, 2.3, 2.4],
    ],
    "until 10 synthetic proxies are configured|all": [
      [1, 5, 3, 2, 4],
      [2, 4, 1, 5, 3],
    ],
    "memory at rest|pilot": [[1], []],
    "kill pilot|routing": [[0, 0, 0, 0, 0], []],
    "kill pilot|metrics": [[2, 2, 2, 2, 2], []],
    "kill istiod|routing": [[], [0, 0, 0, 0, 0]],
    "kill istiod|metrics": [[], [1, 1, 1, 1, 1]],
    "2 copies: memory at rest|control plane": [
      [3, 3.1, 3.2, 3.3, 3.4],
      [2, 2.1, 2.2, 2.3, 2.4],
    ],
    "kill citadel|routing": [[0, 0, 0, 0, 0], []],
  });

  it("gives a figure that differs as the example, where some do", () => {
    const [finding] = findings(
      resultsOf({
        "cold start|first request": [
          [7, 8, 9, 10, 11],
          [7.5, 8.5, 9.5, 10.5, 11.5],
        ],
        "cold start|all ready": [
          [9, 9.1, 9.2, 9.3, 9.4],
          [6, 6.1, 6.2, 6.3, 6.4],
        ],
      }),
    );
    assert.match(finding?.lines[0] ?? "", /in 1 of 2; for example cold start, all ready: 9.20 s against 6.20 s/);
  });

  it("says where the first shape loses, where it wins, and where nothing was seen", () => {
    assert.deepEqual(
      findings(results).map(({ title, lines }) => [title, ...lines]),
      [
        [
          "Where services cost more than monolith",
          "Time until it works after a start: 9.20 s against 6.20 s, 1.48 times.",
          "With copies: Memory at rest of the control plane: 3.20 s against 2.20 s, 1.45 times.",
        ],
        [
          "Where services cost less than monolith",
          "Memory at rest of the control plane: 1.20 s against 2.20 s, 0.55 times.",
        ],
        [
          "Where no difference between services and monolith was seen, or in few figures only",
          "Time until 10 synthetic proxies are configured: 3.00 s against 3.00 s, 1.00 times.",
        ],
        [
          "What fails when a part fails",
          "When one process was killed, services: 0.5 of 2 functions were away on average; most with pilot: metrics 2.0 s; nothing was away with citadel.",
          "When one process was killed, monolith: 1.0 of 2 functions were away on average; most with istiod: metrics 1.0 s.",
        ],
      ],
    );
    assert.equal(
      leadOf(results),
      "Of 4 figures that decide, services cost more than monolith in 2 and less in 1; in 1 no difference was seen.",
    );
  });

  it("claims nothing from one repetition", () => {
    const once = resultsOf({ "cold start|first request": [[9], [6]] });
    assert.deepEqual(
      findings(once).map(({ title }) => title),
      ["Measured, but too seldom to compare services with monolith"],
    );
    assert.match(leadOf(once), /too few repetitions/);
  });
});
