import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_CONTENT, readFileContent } from "./file-state.ts";
import { mergeFiles } from "./merge.ts";

const RULE = `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: { name: reviews }
spec: { hosts: [reviews], http: [{ route: [{ destination: { host: reviews } }] }] }
`;
const read = (path: string, text = RULE) =>
  readFileContent(path, Buffer.from(text), NO_CONTENT, {}, () => "2026-01-01T00:00:00Z");

test("an object of two files is told of the second file, by the name that users know; the first one stays well", async () => {
  const { resources, faults } = mergeFiles(
    new Map([
      ["/etc/config/b.yaml", await read("b.yaml")],
      ["/etc/config/a.yaml", await read("a.yaml")],
    ]),
  );
  assert.deepEqual(
    [...resources.values()].map((each) => each.origin?.source),
    ["a.yaml"],
  );
  assert.deepEqual(faults, [
    {
      object: "file/b.yaml",
      path: "b.yaml",
      line: 1,
      message:
        "metadata.name: VirtualService default/reviews is defined in a.yaml already, in line 1; that one is used, remove one of them",
    },
  ]);
});

test("an object that stands in a file twice is told of the file", async () => {
  const { resources, faults } = await read("a.yaml", `${RULE}---\n${RULE}`);
  assert.equal(resources.size, 1);
  assert.deepEqual(
    faults.map(({ object, line }) => [object, line]),
    [["file/a.yaml", 6]],
  );
});
