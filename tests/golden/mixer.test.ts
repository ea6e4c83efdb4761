import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readMixerContext, validateObject, violationsText, violationText } from "@xebec/galley-validate";
import { ADAPTERS, loadAdapters } from "@xebec/mixer-catalogue";
import { createRemoteFactory } from "@xebec/mixer-remote";
import { MixerRuntime } from "@xebec/mixer-runtime";
import { adapterHost, NO_REACH, type Variety } from "@xebec/mixer-sdk";
import { keyOf, type Resource } from "@xebec/model-resources";
import { goldenCases } from "@xebec/testing-golden";

interface Given {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: unknown;
}

/** What becomes of an object: at admission, and in each of Mixer's services if it says something. */
type Verdict = Partial<Record<"galley" | "warnings" | "mixer-policy" | "mixer-telemetry", string | string[]>>;

const SERVICES: Readonly<Record<"mixer-policy" | "mixer-telemetry", readonly Variety[]>> = {
  "mixer-policy": ["check", "quota"],
  "mixer-telemetry": ["report"],
};
/** Reasons that lie outside of the object: what it refers to, another object, or the moment. */
const OUTSIDE = ["NoAction", "BuildFailed", "MissingReference"];
const remote = createRemoteFactory({ limits: NO_REACH });
const log = { debug() {}, info() {}, warn() {}, error() {} };

const resourceOf = ({ apiVersion, kind, metadata, spec }: Given): Resource => {
  const [group = "", version = ""] = apiVersion.split("/");
  return { group, version, kind, namespace: metadata.namespace ?? "default", name: metadata.name, spec };
};

describe("mixer: what is said of an object when it is admitted, and when it is put into effect", () => {
  for (const each of goldenCases(join(import.meta.dirname, "mixer")))
    it(each.name, async () => {
      const given = each.input as Given[];
      const verdicts = new Map<string, Verdict>(given.map((object) => [keyOf(resourceOf(object)), {}]));
      admit(given, verdicts);
      for (const [service, varieties] of Object.entries(SERVICES)) {
        const adapters = await loadAdapters(varieties, () => adapterHost());
        const runtime = new MixerRuntime({ remote, adapters, catalogue: ADAPTERS, varieties, log });
        for (const { object, state, reason, message } of await runtime.apply(given.map(resourceOf))) {
          const verdict = verdicts.get(object) as Verdict;
          verdict[service as keyof typeof SERVICES] = `${state} ${reason}: ${message}`;
          if (state !== "rejected" || OUTSIDE.includes(reason)) continue;
          // What is refused when it is put into effect was refused before, in the same words.
          if (verdict.galley === "accepted") assert.match(message, /already and cannot be/, object);
          else assert.ok(String(verdict.galley).includes(message), `${object}: ${verdict.galley}; not: ${message}`);
        }
        await runtime.close();
      }
      const shown = [...verdicts].map(([key, verdict]) => [key.replace("config.istio.io/", ""), verdict]);
      // One more adapter changes no golden output.
      const text = JSON.stringify(Object.fromEntries(shown)).replace(
        /the adapters are [a-z, ]+/g,
        "the adapters are ...",
      );
      each.expect(JSON.parse(text));
    });
});

/** All of a batch at once, in whatever order its objects come. */
function admit(given: readonly Given[], verdicts: ReadonlyMap<string, Verdict>): void {
  const objects = given.map((each) => ({ value: { ...each } }));
  const mixer = readMixerContext(objects);
  for (const [i, object] of objects.entries()) {
    const result = validateObject(object, { mixer });
    const verdict = verdicts.get(keyOf(resourceOf(given[i] as Given))) as Verdict;
    if (result.outcome === "rejected") verdict.galley = violationsText(result.violations);
    else verdict.galley = result.outcome;
    if (result.outcome === "accepted" && result.warnings.length > 0)
      verdict.warnings = result.warnings.map(violationText);
  }
}
