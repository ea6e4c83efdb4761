// Random histories of a small mesh: valid objects of every kind, services, pods and Secrets come, change and go.
import { validateObject } from "@xebec/galley-validate";
import type { SecretRecord } from "@xebec/model-pki";
import { KINDS, keyOf, type Resource } from "@xebec/model-resources";
import { type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import { createTestCa } from "@xebec/testing-launch";
import fc from "fast-check";
import { type LabProxy, type LabService, recordsOf } from "../behaviour/lab/mesh.ts";
import { arbitraryObject } from "./arbitrary-spec.ts";

/** Proxies of every kind. Their labels are those that random selectors name. */
export const RANDOM_PROXIES: Readonly<Record<string, LabProxy>> = {
  captured: { kind: "captured", ip: "10.1.0.1", labels: { app: "v1", version: "v1", "x-user": "v1" } },
  explicit: { kind: "explicit", ip: "127.20.1.1", app: "127.20.2.1", labels: { app: "x-user", version: "v2" } },
  gateway: { kind: "gateway", ip: "10.1.0.9", namespace: "istio-system", labels: { app: "v1", http: "v1" } },
};

const MIXER_GROUP = "config.istio.io";
/** Of Mixer's many kinds these are enough. */
const SOME_OF_MIXER = ["rule", "instance", "handler", "quota", "metric"];
/** Kinds that random objects are of. */
export const RANDOM_KINDS: readonly string[] = KINDS.filter(
  ({ group, kind }) => group !== MIXER_GROUP || SOME_OF_MIXER.includes(kind),
).map(({ kind }) => kind);

/**
 * Takes away what validation refuses, step by step, so that most random objects are valid.
 * @returns undefined when nothing valid is left
 */
export function repaired(value: Record<string, unknown>): Resource | undefined {
  const object = structuredClone(value);
  for (let round = 0; round < 12; round++) {
    const result = validateObject({ value: object });
    if (result.outcome === "accepted") return result.resource;
    if (result.outcome !== "rejected") return undefined;
    // From behind, so that the indexes before them stay right.
    const isTaken = result.violations.toReversed().map(({ path }) => take(object, path));
    if (!isTaken.includes(true)) return undefined;
  }
  return undefined;
}

/** Takes the value at a path away, or what it should be in. @returns false when that is the whole spec */
function take(object: Record<string, unknown>, path: readonly (string | number)[]): boolean {
  let holder: unknown = object;
  const holders: unknown[] = [];
  for (const part of path) {
    if (holder === null || typeof holder !== "object") break;
    holders.push(holder);
    holder = (holder as Record<string | number, unknown>)[part];
  }
  for (let depth = holders.length - 1; depth > 0; depth--) {
    const from = holders[depth];
    const part = path[depth] as string | number;
    if (Array.isArray(from) && typeof part === "number" && part < from.length) {
      from.splice(part, 1);
      return true;
    }
    if (Object.hasOwn(from as object, part)) {
      delete (from as Record<string, unknown>)[part];
      return true;
    }
  }
  return false;
}

/** A valid object of a kind, one of few names and ages; undefined where nothing valid came out. */
export function validObject(kind: string): fc.Arbitrary<Resource | undefined> {
  return fc
    .tuple(arbitraryObject(kind), fc.constantFrom("a", "b", "v1"), fc.nat(2))
    .map(([value, name, day]): Resource | undefined => {
      const { metadata } = value as { metadata: { name: string } };
      const named = metadata.name === "random" ? { ...metadata, name } : metadata;
      return repaired({ ...value, metadata: { ...named, creationTimestamp: `2026-01-0${day + 1}T00:00:00Z` } });
    });
}

const PORTS: readonly Readonly<Record<string, number>>[] = [
  { http: 80 },
  { http: 9080 },
  { tcp: 9080 },
  { grpc: 9080, http: 80 },
  { mongo: 9080 },
  { "": 80 },
  { https: 443 },
];

const service: fc.Arbitrary<LabService> = fc
  .record({
    name: fc.constantFrom("reviews", "mongo"),
    namespace: fc.constantFrom("default", "istio-system"),
    ports: fc.constantFrom(...PORTS),
    isHeadless: fc.boolean(),
    annotations: fc.constantFrom(
      undefined,
      { "networking.istio.io/exportTo": "." },
      { "networking.istio.io/exportTo": "~" },
    ),
    pods: fc.uniqueArray(
      fc.record({
        number: fc.integer({ min: 1, max: 4 }),
        version: fc.constantFrom("v1", "v2"),
        ready: fc.boolean(),
        sidecar: fc.boolean(),
        locality: fc.constantFrom(undefined, "v1/a/b", "x-user/a"),
      }),
      { maxLength: 3, selector: ({ number }) => number },
    ),
  })
  .map(({ name, namespace, ports, isHeadless, annotations, pods }) => ({
    ...{ name, namespace, ports },
    ...(isHeadless ? {} : { address: name === "mongo" ? "10.96.0.2" : "10.96.0.1" }),
    ...(annotations ? { annotations } : {}),
    pods: pods.map(({ number, version, ready, sidecar, locality }) => ({
      ...{ name: `p${number}`, ip: number === 1 ? "10.1.0.1" : `10.2.0.${number}`, ready, sidecar },
      labels: { version, http: "v1" },
      ...(locality ? { locality } : {}),
    })),
  }));

const CA = createTestCa("random");
const PAIR = CA.issue({ dns: ["a.example.com"] });
const base64 = (text: string): string => Buffer.from(text).toString("base64");
/** What a Secret may hold, much of it of no use. */
const CREDENTIALS: readonly SecretRecord["data"][] = [
  { "tls.crt": base64(PAIR.cert), "tls.key": base64(PAIR.key) },
  { cert: base64(PAIR.cert), key: base64(PAIR.key), cacert: base64(CA.cert) },
  { "ca.crt": base64(CA.cert) },
  { "tls.crt": base64("soon"), "tls.key": base64(PAIR.key) },
  { "tls.crt": base64(PAIR.cert) },
];
const secret: fc.Arbitrary<SecretRecord> = fc.record({
  kind: fc.constantFrom("Secret" as const, "ConfigMap" as const),
  namespace: fc.constantFrom("default", "istio-system"),
  name: fc.constantFrom("v1", "x-user", "v1-cacert"),
  data: fc.constantFrom(...CREDENTIALS),
});

/** What comes, changes and goes at once. Deletions are indexes of what is there. */
export interface RandomStep {
  readonly objects: readonly Resource[];
  readonly services: readonly LabService[];
  readonly secrets: readonly SecretRecord[];
  readonly gone: readonly number[];
}

/** @param most number of objects that one step puts */
export function randomStep(most: number): fc.Arbitrary<RandomStep> {
  return fc
    .record({
      objects: fc.array(fc.oneof(...RANDOM_KINDS.map(validObject)), { minLength: 1, maxLength: most }),
      services: fc.array(service, { maxLength: 1 }),
      secrets: fc.array(secret, { maxLength: 1 }),
      gone: fc.array(fc.nat(), { maxLength: 2 }),
    })
    .map(({ objects, ...more }) => ({ ...more, objects: objects.filter((each) => each !== undefined) }));
}

/** What a random mesh holds, and the changes that its steps are. */
export class RandomMesh {
  readonly objects = new Map<string, Resource>();
  readonly #workloads = new Map<string, WorkloadRecord>();
  readonly #secrets = new Map<string, SecretRecord>();

  /** @returns the change that a step is now */
  change({ objects, services, secrets, gone }: RandomStep) {
    const held = [...this.objects.keys(), ...this.#workloads.keys(), ...this.#secrets.keys()];
    const doomed = new Set(held.length > 0 ? gone.map((each) => held[each % held.length] as string) : []);
    const take = (map: Map<string, unknown>): string[] => [...doomed].filter((key) => map.delete(key));
    const deletes = take(this.objects);
    const workloads = { puts: services.flatMap(recordsOf), deletes: take(this.#workloads) };
    const goneSecrets = take(this.#secrets);
    const puts = [...new Map(objects.map((each) => [keyOf(each), each])).values()];
    for (const each of puts) this.objects.set(keyOf(each), each);
    for (const each of workloads.puts) this.#workloads.set(workloadKey(each), each);
    for (const each of secrets) this.#secrets.set(`${each.kind}/${each.namespace}/${each.name}`, each);
    return { config: { puts, deletes }, workloads, secrets, goneSecrets };
  }

  /** @returns the change that takes everything away */
  clear() {
    const all = [this.objects, this.#workloads, this.#secrets].map((map) => [...map.keys()]);
    for (const map of [this.objects, this.#workloads, this.#secrets]) map.clear();
    const [objects = [], workloads = [], goneSecrets = []] = all;
    return { config: { puts: [], deletes: objects }, workloads: { puts: [], deletes: workloads }, goneSecrets };
  }

  /** All that there is, as one change. */
  whole() {
    return {
      config: { puts: [...this.objects.values()], deletes: [] },
      workloads: { puts: [...this.#workloads.values()], deletes: [] },
      secrets: [...this.#secrets.values()],
    };
  }
}
