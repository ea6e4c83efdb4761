import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readUriTemplate, type UriTemplate } from "./uri-template.ts";

const read = (text: string): UriTemplate => {
  const template = readUriTemplate(text);
  assert.ok(typeof template === "object", String(template));
  return template;
};

describe("a URI template", () => {
  const cases: readonly [template: string, fits: readonly string[], not: readonly string[]][] = [
    ["/pets", ["/pets"], ["/pets/", "/pets/1", "/petsx"]],
    ["/a.b+c", ["/a.b+c"], ["/aXb+c", "/a.bbc"]],
    ["/pets/{id}", ["/pets/1", "/pets/a.b"], ["/pets", "/pets/", "/pets/1/2"]],
    ["/dictionary/{term:1}/{term}", ["/dictionary/c/cat"], ["/dictionary/ca/cat"]],
    ["/search{?q*,lang}", ["/search"], ["/search/x"]],
    ["/files/{+path}", ["/files/a/b"], ["/files"]],
    ["/at{/a,b}", ["/at/1/2"], ["/at/1"]],
    ["/v1/{name=shelves/*}/books", ["/v1/shelves/3/books"], ["/v1/boxes/3/books"]],
    ["/v1/**", ["/v1/a/b"], ["/v2/a"]],
    ["/v1/*/x", ["/v1/a/x"], ["/v1/a/b/x"]],
  ];
  for (const [template, fits, not] of cases)
    it(template, () => {
      const regex = new RegExp(read(template).regex);
      for (const path of fits) assert.match(path, regex);
      for (const path of not) assert.doesNotMatch(path, regex);
    });

  it("has a rank: the most exact one first", () => {
    const texts = ["/pets/**", "/pets/{id}", "/{kind}/mine", "/pets/mine"];
    const ordered = [...texts].sort((a, b) => (read(a).rank < read(b).rank ? -1 : 1));
    assert.deepEqual(ordered, ["/pets/mine", "/pets/{id}", "/pets/**", "/{kind}/mine"]);
  });

  for (const [template, why] of [
    ["pets", /must begin with \//],
    ["/pets/{id", /has a \{ without \}/],
    ["/pets/id}", /has a \} without \{/],
    ["/pets/{i d}", /is not an expression/],
    ["/pets/{}", /is not an expression/],
  ] as const)
    it(`is refused: ${template}`, () => assert.match(String(readUriTemplate(template)), why));
});
