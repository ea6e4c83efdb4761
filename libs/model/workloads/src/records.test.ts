import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeWorkloadRecord, encodeWorkloadRecord, type WorkloadRecord, workloadKey } from "./index.ts";

const RECORDS: readonly (readonly [string, WorkloadRecord])[] = [
  ["service/a/b", { type: "service", namespace: "a", name: "b", hostname: "b.a", addresses: [], ports: [] }],
  ["endpoints/a/b", { type: "endpoints", namespace: "a", name: "b", subsets: [] }],
  [
    "pod/a/b",
    {
      ...{ type: "pod", namespace: "a", name: "b", uid: "", ip: "10.0.0.1", labels: {}, serviceAccount: "s" },
      ...{ workload: { kind: "Deployment", name: "b" }, ports: [], ready: true },
    },
  ],
  ["node/b", { type: "node", name: "b", labels: { zone: "ä" } }],
];

describe("a record of the bucket `workloads`", () => {
  for (const [key, record] of RECORDS)
    it(`${key} is read as it was written`, () => {
      assert.equal(workloadKey(record), key);
      assert.deepEqual(decodeWorkloadRecord(encodeWorkloadRecord(record)), record);
    });
  for (const text of ["", "{", "null", "7", "[]", "{}", '{"type":"pod"}', '{"type":"job","name":"a"}', '{"name":"a"}'])
    it(`is data loss when it is ${text || "empty"}`, () => {
      assert.throws(() => decodeWorkloadRecord(Buffer.from(text)), {
        code: "data_loss",
        message: /bucket `workloads`/,
      });
    });
});
