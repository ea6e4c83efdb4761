import assert from "node:assert/strict";
import { test } from "node:test";
import { STANDARD_CONTEXT } from "@xebec/galley-validate";
import { NO_FILE, readFileContent } from "./directory/file-content.ts";
import { mergePlaces } from "./merge.ts";

const RULE = `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: { name: reviews }
spec: { hosts: [reviews], http: [{ route: [{ destination: { host: reviews } }] }] }
`;
const read = (path: string, text = RULE) =>
  readFileContent(path, Buffer.from(text), NO_FILE, { mixer: STANDARD_CONTEXT }, () => "2026-01-01T00:00:00Z");

test("an object of two places is an error of the second one; the first one stays well", async () => {
  const { resources, errors } = mergePlaces(
    new Map([
      ["a.yaml", await read("a.yaml")],
      ["b.yaml", await read("b.yaml")],
    ]),
  );
  assert.deepEqual(
    [...resources.values()].map((each) => each.origin?.source),
    ["a.yaml"],
  );
  assert.deepEqual(errors, [
    {
      object: "file/b.yaml",
      source: "b.yaml",
      line: 1,
      message:
        "metadata.name: VirtualService default/reviews is defined in a.yaml already, in line 1; that one is used, remove one of them",
    },
  ]);
});

test("an object that stands in a file twice is an error of the file", async () => {
  const { resources, errors } = await read("a.yaml", `${RULE}---\n${RULE}`);
  assert.equal(resources.size, 1);
  assert.deepEqual(
    errors.map(({ object, line }) => [object, line]),
    [["file/a.yaml", 6]],
  );
});
