import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SnapshotBuilder, type StateChange } from "./builder.ts";
import { applyTo, generations, type MeshState, wholeOf } from "./mesh-changes.testkit.ts";
import { dependency, type Snapshot } from "./snapshot.ts";

const DOMAINS = { domain: "cluster.local", trustDomain: "cluster.local" };
const RUNS = { numRuns: 300 };

/** The parts of a snapshot by the dependency key that whoever reads them has to note. */
function partsOf(snapshot: Snapshot): Map<string, readonly unknown[]> {
  const parts = new Map<string, unknown[]>([
    [dependency.mesh, [snapshot.mesh]],
    [dependency.gateways, [...snapshot.gateways]],
    [dependency.mixer, [snapshot.mixer]],
    [dependency.selectorLabels, [...snapshot.selectorLabels]],
    [dependency.services, []],
    [dependency.pods, []],
    [dependency.anyVirtualService, []],
  ]);
  const add = (key: string, value: unknown): void => void parts.set(key, [...(parts.get(key) ?? []), value]);
  const sorted = <T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [host, list] of sorted(snapshot.services.entries())) {
    add(dependency.service(host), list);
    add(dependency.services, list);
  }
  for (const [id, list] of sorted(snapshot.endpoints.entries())) add(dependency.endpoints(id), list);
  for (const [, pod] of sorted(snapshot.pods.entries())) add(dependency.pods, pod);
  for (const [, pod] of sorted(snapshot.podsByIp.entries())) add(dependency.pods, pod);
  for (const [gateway, list] of sorted(snapshot.gatewayRoutes.entries())) add(dependency.gatewayRoutes(gateway), list);
  for (const [ns, list] of sorted(snapshot.peerAuthentications.entries())) add(dependency.peerAuthentication(ns), list);
  for (const [of, index] of [
    [dependency.virtualService, snapshot.virtualServices],
    [dependency.destinationRule, snapshot.destinationRules],
  ] as const) {
    const hosts = new Set([...index.all()].flatMap((each) => each.hosts));
    for (const host of [...hosts].sort()) add(of(host), index.exact(host));
  }
  for (const host of new Set([...snapshot.virtualServices.all()].flatMap((each) => each.hosts)))
    add(dependency.anyVirtualService, host);
  parts.get(dependency.anyVirtualService)?.sort();
  return parts;
}

const text = (snapshot: Snapshot): string => JSON.stringify([...partsOf(snapshot)].sort());

/** A builder that took these steps, and the state that they lead to. */
function built(steps: readonly StateChange[]): { builder: SnapshotBuilder; state: MeshState } {
  const builder = new SnapshotBuilder(DOMAINS);
  const state: MeshState = { config: new Map(), workloads: new Map() };
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
        const whole = new SnapshotBuilder(DOMAINS);
        whole.apply(wholeOf(state));
        assert.deepEqual([...partsOf(builder.snapshot)].sort(), [...partsOf(whole.snapshot)].sort());
      }),
      RUNS,
    );
  });

  it("names every part that changed; all others are the very same objects", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const builder = new SnapshotBuilder(DOMAINS);
        for (const step of steps) {
          const before = builder.snapshot;
          const { snapshot, changed } = builder.apply(step);
          if (changed.size === 0) assert.equal(snapshot, before);
          const old = partsOf(before);
          const now = partsOf(snapshot);
          for (const key of new Set([...old.keys(), ...now.keys()])) {
            if (changed.has(key)) continue;
            const [was = [], is = []] = [old.get(key), now.get(key)];
            assert.equal(is.length, was.length, `${key} changed and was not named`);
            for (const [i, part] of is.entries()) assert.equal(part, was[i], `${key} changed and was not named`);
          }
        }
      }),
      RUNS,
    );
  });

  it("leaves the snapshots before it as they were", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const builder = new SnapshotBuilder(DOMAINS);
        const seen: { snapshot: Snapshot; text: string }[] = [];
        for (const step of steps) {
          const { snapshot } = builder.apply(step);
          seen.push({ snapshot, text: text(snapshot) });
        }
        for (const each of seen) assert.equal(text(each.snapshot), each.text);
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
