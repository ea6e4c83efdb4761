import { join } from "node:path";
import { describe, it } from "node:test";
import { registry } from "@xebec/api-envoy/registry";
import { goldenCases } from "@xebec/testing-golden";
import { generated, type PilotInput, proxiesOf, snapshotOf } from "./pilot-case.ts";

describe("pilot: configuration and workloads become Envoy resources", () => {
  for (const each of goldenCases(join(import.meta.dirname, "pilot")))
    it(each.name, () => {
      const input = each.input as PilotInput;
      const change = snapshotOf(input);
      each.expect(
        Object.fromEntries([...proxiesOf(input)].map(([name, proxy]) => [name, generated(change, proxy, registry)])),
      );
    });
});
