import assert from "node:assert/strict";
import { test } from "node:test";
import { STANDARD_CONTEXT } from "@xebec/galley-validate";
import type { PlaceContent } from "./config-source.ts";
import { NO_FILE, readFileContent } from "./directory/file-content.ts";
import { MergedPlaces } from "./merge.ts";

const RULE = `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: { name: reviews }
spec: { hosts: [reviews], http: [{ route: [{ destination: { host: reviews } }] }] }
`;
const read = (path: string, text = RULE) =>
  readFileContent(path, Buffer.from(text), NO_FILE, { mixer: STANDARD_CONTEXT }, () => "2026-01-01T00:00:00Z");

test("an object of two places is an error of the second one; the first one stays well", async () => {
  const merged = new MergedPlaces();
  merged.update(
    new Map([
      ["a.yaml", await read("a.yaml")],
      ["b.yaml", await read("b.yaml")],
    ]),
  );
  const { resources, errors } = merged;
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

test("places that change, come and go in any order leave what those that are there would make", async () => {
  const names = ["reviews", "ratings", "details"];
  const paths = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"];
  const ofName = (name: string, n: number): string =>
    RULE.replaceAll("reviews", name).replace("spec: {", `spec: { exportTo: ["n${n}"],`);
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const merged = new MergedPlaces();
  const places = new Map<string, PlaceContent>();
  for (let n = 0; n < 120; n++) {
    const path = paths[random(paths.length)] as string;
    const text = names.filter(() => random(2) === 0).map((name) => ofName(name, n));
    if (random(4) === 0) places.delete(path);
    else places.set(path, await read(path, text.join("---\n")));
    const sorted = new Map([...places].sort(([a], [b]) => (a < b ? -1 : 1)));
    const before = new Map(merged.resources);
    const changed = merged.update(sorted);
    const whole = new MergedPlaces();
    whole.update(sorted);
    assert.deepEqual(new Map([...merged.resources].sort()), new Map([...whole.resources].sort()));
    const text2 = ({ errors }: MergedPlaces): string[] => errors.map((each) => JSON.stringify(each)).sort();
    assert.deepEqual(text2(merged), text2(whole));
    const differs = [...new Set([...before.keys(), ...merged.resources.keys()])].filter(
      (key) => before.get(key) !== merged.resources.get(key),
    );
    assert.deepEqual([...changed].sort(), differs.sort());
  }
});
