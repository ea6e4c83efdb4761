import assert from "node:assert/strict";
import { test } from "node:test";
import { STANDARD_CONTEXT } from "@xebec/galley-validate";
import { NO_FILE, readFileContent } from "./file-content.ts";

const rule = (i: number): string =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a${i}}\nspec: {host: h${i}}\n`;
const now = (): string => "2026-01-01T00:00:00Z";

/** Reads a file, and counts how often others had their turn meanwhile. */
async function read(text: string) {
  let turns = 0;
  let isOpen = true;
  const count = (): void => {
    turns++;
    if (isOpen) setImmediate(count);
  };
  setImmediate(count);
  const content = await readFileContent("a.yaml", Buffer.from(text), NO_FILE, { mixer: STANDARD_CONTEXT }, now);
  isOpen = false;
  return { content, turns };
}

for (const [name, text] of [
  ["documents", Array.from({ length: 5_000 }, (_, i) => rule(i)).join("---\n")],
  [
    "a list",
    `kind: List\nitems:\n${Array.from({ length: 5_000 }, (_, i) => `- ${rule(i).replaceAll("\n", "\n  ")}\n`).join("")}`,
  ],
] as const)
  test(`others have their turn while a long file is read: ${name}`, async () => {
    const { content, turns } = await read(text);
    assert.equal(content.resources.size, 5_000);
    assert.deepEqual(content.errors, []);
    assert.ok(turns > 10, `${turns} turns`);
  });

test("what is somebody else's is not an error, however large it is", async () => {
  const crd = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nx: [${"1,".repeat(60_000)}]\n---\n${rule(1)}`;
  const { content } = await read(crd);
  assert.deepEqual([content.resources.size, content.errors, content.unreadable], [1, [], false]);
  const own = await read(crd.replace("apiextensions.k8s.io/v1", "networking.istio.io/v1"));
  assert.match(own.content.errors[0]?.message ?? "", /more than 100000 fields/);
});
