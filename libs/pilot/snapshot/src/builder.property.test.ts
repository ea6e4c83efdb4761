import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MeshBuilder, type MeshChange } from "./mesh-builder.testkit.ts";
import { applyTo, generations, type MeshState, wholeOf } from "./mesh-changes.testkit.ts";
import { snapshotParts } from "./parts.ts";
import type { Snapshot } from "./snapshot.ts";

const RUNS = { numRuns: 300 };

/** The parts of a snapshot by the dependency key that whoever reads them has to note. */
function partsOf(snapshot: Snapshot): Map<string, Set<unknown>> {
  const parts = new Map<string, Set<unknown>>();
  for (const [key, part] of snapshotParts(snapshot)) {
    const known = parts.get(key);
    if (known) known.add(part);
    else parts.set(key, new Set([part]));
  }
  return parts;
}

/** The content of a snapshot, whatever came first. */
function text(snapshot: Snapshot): string[] {
  return [...partsOf(snapshot)]
    .map(([key, parts]) => `${key} ${[...parts].map((part) => JSON.stringify(part)).sort()}`)
    .sort();
}

/** A builder that took these steps, and the state that they lead to. */
function built(steps: readonly MeshChange[]): { builder: MeshBuilder; state: MeshState } {
  const builder = new MeshBuilder();
  const state: MeshState = { config: new Map(), workloads: new Map(), secrets: new Map() };
  for (const step of steps) {
    builder.apply(step);
    applyTo(state, step);
  }
  return { builder, state };
}

describe("a snapshot that was built step by step", () => {
  it("equals one that is built at once from the end state", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const { builder, state } = built(steps);
        const whole = new MeshBuilder();
        whole.apply(wholeOf(state));
        assert.deepEqual(text(builder.snapshot), text(whole.snapshot));
      }),
      RUNS,
    );
  });

  it("leads to the same as one that was built at once, whatever comes next", () => {
    fc.assert(
      fc.property(generations, generations, (steps, next) => {
        const { builder, state } = built(steps);
        const whole = new MeshBuilder();
        whole.apply(wholeOf(state));
        for (const step of next) assert.deepEqual(text(builder.apply(step).snapshot), text(whole.apply(step).snapshot));
      }),
      RUNS,
    );
  });

  it("names every part that changed; all others are the very same objects", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const builder = new MeshBuilder();
        for (const step of steps) {
          const before = builder.snapshot;
          const { snapshot, changed } = builder.apply(step);
          if (changed.size === 0) assert.equal(snapshot, before);
          const old = partsOf(before);
          const now = partsOf(snapshot);
          for (const key of new Set([...old.keys(), ...now.keys()])) {
            if (changed.has(key)) continue;
            const [was, is] = [old.get(key) ?? new Set(), now.get(key) ?? new Set()];
            assert.ok(
              was.size === is.size && [...was].every((part) => is.has(part)),
              `${key} changed and was not named`,
            );
          }
        }
      }),
      RUNS,
    );
  });

  it("leaves the snapshots before it as they were", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const builder = new MeshBuilder();
        const seen: { snapshot: Snapshot; before: string[] }[] = [];
        for (const step of steps) {
          const { snapshot } = builder.apply(step);
          seen.push({ snapshot, before: text(snapshot) });
        }
        for (const each of seen) assert.deepEqual(text(each.snapshot), each.before);
      }),
      RUNS,
    );
  });

  it("is not changed by services and pods that come once more as they are, nor by deleting what is not there", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const { builder, state } = built(steps);
        const puts = structuredClone([...state.workloads.values()]);
        assert.deepEqual([...builder.apply({ workloads: { puts, deletes: [] } }).changed], []);
        const deletes = ["service", "endpoints", "pod"].map((type) => `${type}/nowhere/nobody`);
        const objects = ["VirtualService", "ServiceEntry", "Gateway"].map(
          (kind) => `networking.istio.io/${kind}/no/no`,
        );
        const none = builder.apply({ config: { puts: [], deletes: objects }, workloads: { puts: [], deletes } });
        assert.deepEqual([...none.changed], []);
      }),
      RUNS,
    );
  });
});
