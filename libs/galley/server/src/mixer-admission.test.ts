import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Condition, decodeCondition, isObservedKey } from "@xebec/model-resources";
import { createConditions, createMemoryBus } from "@xebec/platform-bus";
import { tempDir } from "@xebec/testing-launch";
import { reviewObject } from "./admission.ts";
import { createConfigPublisher } from "./config-publisher.ts";
import { createDirectorySource } from "./directory/directory-source.ts";

interface ReviewResponse {
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly status?: { readonly message: string };
}

const object = (kind: string, name: string, spec: object): Record<string, unknown> => ({
  apiVersion: "config.istio.io/v1alpha2",
  kind,
  metadata: { name },
  spec,
});
const HANDLER = object("handler", "deny", { compiledAdapter: "denier" });
const INSTANCE = object("instance", "nothing", { compiledTemplate: "checknothing" });
const RULE = object("rule", "r", { actions: [{ handler: "deny", instances: ["nothing"] }] });

/** A galley over a directory, as its webhook and its conditions speak. */
async function galley(dir: string) {
  const bus = createMemoryBus();
  const signal = new AbortController().signal;
  await bus.start(signal);
  const conditions = new Map<string, Condition>();
  const watching = bus.bucket("status").watch({
    entry: (key, bytes) => {
      if (!isObservedKey(key) && bytes)
        conditions.set(key.replace("galley/config.istio.io/", ""), decodeCondition(bytes));
    },
    synced: () => {},
  });
  const source = createConfigPublisher({
    sources: [createDirectorySource(dir)],
    ...{ bus, conditions: createConditions(bus, "galley") },
  });
  await source.start(signal);
  return {
    save(name: string, ...objects: object[]): void {
      writeFileSync(join(dir, `.${name}`), objects.map((each) => JSON.stringify(each, null, 2)).join("\n---\n"));
      renameSync(join(dir, `.${name}`), join(dir, name));
    },
    said: (key: string): Promise<Condition> => waitFor(`what is said of ${key}`, 5_000, () => conditions.get(key)),
    review(value: object): ReviewResponse {
      const body = {
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        request: { uid: "u", operation: "CREATE", namespace: "default", object: value },
      };
      return (reviewObject(body, source.mixer()).body as { response: ReviewResponse }).response;
    },
    async [Symbol.asyncDispose]() {
      watching.close();
      await source.close?.();
      await bus.close?.();
    },
  };
}

describe("galley and objects of Mixer", () => {
  it("takes a rule before what it names, in one file or in several, and says so until that is there", async () => {
    using folder = tempDir();
    await using running = await galley(folder.path);
    const { allowed, warnings } = await waitFor("the directory is read", 5_000, () => {
      const response = running.review(RULE);
      return response.warnings && response;
    });
    assert.deepEqual(
      [allowed, warnings],
      [
        true,
        [
          'spec.actions[0].handler: there is no handler "deny" (seen from namespace default); until that changes, this part of the rule has no effect',
        ],
      ],
    );
    running.save("a.yaml", RULE, HANDLER);
    running.save("b.yaml", INSTANCE);
    for (const key of ["rule/default/r", "handler/default/deny", "instance/default/nothing"])
      assert.equal((await running.said(key)).reason, "Accepted", key);
    await waitFor("everything is there", 5_000, () => running.review(RULE).warnings === undefined);
    // The webhook knows of what an object would replace, too.
    const wrongTemplate = object("rule", "w", {
      actions: [{ handler: "deny", instances: ["nothing", "logs.logentry"] }],
    });
    running.save("c.yaml", object("logentry", "logs", {}));
    await waitFor("the other template", 5_000, () =>
      /does not take the template logentry/.test(running.review(wrongTemplate).warnings?.join() ?? ""),
    );
  });

  it("refuses what Mixer's services would refuse, in the webhook and in files, there with the line", async () => {
    using folder = tempDir();
    await using running = await galley(folder.path);
    for (const [value, text, line] of [
      [
        object("handler", "h1", { compiledAdapter: "denier", params: { status: { cod: 7 } } }),
        "spec.params.status.cod: unknown field; did you mean code?",
        11,
      ],
      [
        object("listchecker", "h2", { refreshInterval: "10s", providerUrl: "http://lists/", ttl: "5s" }),
        "spec.ttl: must not be shorter than refreshInterval",
        10,
      ],
      [
        object("logentry", "i1", { severity: '"info"', variables: { a: "source.nme" } }),
        "spec.variables.a: line 1, column 1: unknown attribute source.nme",
        10,
      ],
    ] as const) {
      const { kind, metadata } = value as { kind: string; metadata: { name: string } };
      const { allowed, status } = running.review(value);
      assert.deepEqual([allowed, status?.message], [false, `configuration is invalid: ${text}`]);
      running.save(`${metadata.name}.yaml`, value);
      const condition = await running.said(`${kind}/default/${metadata.name}`);
      assert.deepEqual([condition.status, condition.message, condition.line], ["False", text, line]);
    }
  });
});
