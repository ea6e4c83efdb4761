import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decide, decisionSteps } from "./decide.ts";
import { parseInjectConfig } from "./inject-config.ts";
import type { Pod } from "./pod.ts";

describe("the decision", () => {
  const table: [string, Pod, string, string, boolean][] = [
    ["the policy", {}, "default", "{}", true],
    ["a disabled policy", {}, "default", "{policy: disabled}", false],
    ["the host's network", { spec: { hostNetwork: true } }, "default", "{}", false],
    ["a system namespace", {}, "kube-system", "{}", false],
    [
      "an annotation that says no",
      { metadata: { annotations: { "sidecar.istio.io/inject": "false" } } },
      "default",
      "{}",
      false,
    ],
    [
      "an annotation that says yes",
      { metadata: { annotations: { "sidecar.istio.io/inject": "true" } } },
      "default",
      "{policy: disabled}",
      true,
    ],
    [
      "a label over the annotation",
      {
        metadata: {
          labels: { "sidecar.istio.io/inject": "true" },
          annotations: { "sidecar.istio.io/inject": "false" },
        },
      },
      "default",
      "{}",
      true,
    ],
    [
      "neverInjectSelector",
      { metadata: { labels: { a: "b" } } },
      "default",
      "{neverInjectSelector: [{matchLabels: {a: b}}]}",
      false,
    ],
    [
      "alwaysInjectSelector",
      { metadata: { labels: { a: "b" } } },
      "default",
      "{policy: disabled, alwaysInjectSelector: [{matchExpressions: [{key: a, operator: Exists}]}]}",
      true,
    ],
    ["an empty selector", {}, "default", "{neverInjectSelector: [{}]}", true],
  ];
  for (const [name, pod, namespace, config, inject] of table)
    it(name, () => assert.equal(decide(pod, namespace, parseInjectConfig(config)).inject, inject));

  it("passes over what it does not understand, and says so", () => {
    const pod = { metadata: { labels: { "sidecar.istio.io/inject": "maybe" } } };
    const { inject, warning } = decide(pod, "default", parseInjectConfig("{policy: disabled}"));
    assert.equal(inject, false);
    assert.match(warning ?? "", /label sidecar\.istio\.io\/inject is "maybe", which is neither "true" nor "false"/);
  });

  it("names the rules in their order, to the one that decides", () => {
    const pod = { metadata: { annotations: { "sidecar.istio.io/inject": "no" } } };
    assert.deepEqual(
      decisionSteps(pod, "default", parseInjectConfig("{}")).map(({ rule, inject }) => [rule, inject]),
      [
        ["hostNetwork", undefined],
        ["namespace", undefined],
        ["sidecar.istio.io/inject", false],
      ],
    );
    const steps = decisionSteps({}, "default", parseInjectConfig("{}"));
    assert.deepEqual(steps.map(({ rule }) => rule).slice(-3), [
      "neverInjectSelector",
      "alwaysInjectSelector",
      "policy",
    ]);
  });
});
