import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { templateFunctions } from "./functions.ts";
import { PodTemplate } from "./pod-template.ts";

const render = (template: string, data: unknown): unknown =>
  new PodTemplate(template, templateFunctions()).render(data);

describe("a template that makes YAML", () => {
  const cases: readonly (readonly [name: string, template: string, data: unknown, result: unknown])[] = [
    [
      "a value without quotes has the type of YAML",
      "a: {{ .x }}\nb: {{ .y }}\nc: {{ .z }}",
      { x: "1", y: "yes", z: 2 },
      { a: 1, b: true, c: 2 },
    ],
    ["a value in quotes is a text", "a: \"{{ .x }}\"\nb: '{{ .x }}'", { x: "1" }, { a: "1", b: "1" }],
    ["text around a value", 'a: x-{{ .x }}.y\nb: "{{ .x }}/{{ .x }}"', { x: "v" }, { a: "x-v.y", b: "v/v" }],
    ["numbers of several parts", "a: {{ .x }}{{ .x }}", { x: 1 }, { a: 11 }],
    ["a key", "{{ .x }}: 1\nb{{ .x }}: 2", { x: "k" }, { k: 1, bk: 2 }],
    ["a text of several lines", "a: |\n  x {{ .x }}\n  z", { x: "1\nb: 2" }, { a: "x 1\nb: 2\nz\n" }],
    ["quote", "a: {{ .x | quote }}", { x: '1"\n' }, { a: '1"\n' }],
    ["squote", "a: {{ .x | squote }}", { x: "it's" }, { a: "it's" }],
    [
      "toJson makes structure",
      "a: {{ toJson .x }}\nb: {{ toJson .x | quote }}",
      { x: { y: [1] } },
      { a: { y: [1] }, b: '{"y":[1]}' },
    ],
    ["toJson in a text of several lines", "a: |\n  {{ toJson .x }}", { x: { y: 1 } }, { a: '{"y":1}\n' }],
    [
      "toYaml makes structure",
      "a:\n  {{ toYaml .x | indent 2 }}\n  c: 3",
      { x: { y: 1, z: ["a"] } },
      { a: { y: 1, z: ["a"], c: 3 } },
    ],
    ["an absent value is null, and nothing in quotes", 'a: {{ .x }}\nb: "{{ .x }}"', {}, { a: null, b: "" }],
    [
      "a loop in braces",
      "a: {\n{{ range $k, $v := .x }}\n  {{ $k }}: {{ $v | quote }},{{ end }}\n}",
      { x: { b: "2", a: "1" } },
      { a: { a: "1", b: "2" } },
    ],
  ];
  for (const [name, template, data, result] of cases) it(name, () => assert.deepEqual(render(template, data), result));

  it("gives a value no place but its own, whatever it is", () => {
    const template =
      "a: {{ .x }}\nb: \"{{ .x }}\"\nc: [{{ .x }}, '{{ .x }}']\nd: {e: {{ .x | quote }}}\nf: |\n  {{ .x }}";
    const pod = new PodTemplate(template, templateFunctions());
    const evil = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom(
        "a: b",
        "- a",
        "{a: b}",
        '"',
        '", privileged: true, x: "',
        "x\n  y: z",
        "#",
        "&a",
        "*a",
        "!!int 1",
        "{{ .y }}",
        "|\n a",
        "\uE0F00\uE0F1",
        "\u2028",
        "---\n",
      ),
    );
    fc.assert(
      fc.property(evil, (x) => {
        const result = pod.render({ x }) as Record<string, unknown>;
        assert.deepEqual(Object.keys(result), ["a", "b", "c", "d", "f"]);
        assert.ok(result.a === null || typeof result.a !== "object");
        assert.equal(result.b, x);
        assert.equal((result.c as unknown[]).length, 2);
        assert.deepEqual(result.d, { e: x });
        assert.equal(result.f, `${x}\n`);
      }),
      { numRuns: 300 },
    );
  });

  it("says which line of its result is not YAML", () => {
    assert.throws(
      () => render("a: 1\n{{ .x }}: [", { x: "k" }),
      /makes what is not YAML: line 2 of the result: .*…: \[/,
    );
    assert.throws(
      () => render("a: {{ .x }}", { x: { y: 1 } }),
      /a map or list cannot be written: use toYaml or toJson/,
    );
    assert.throws(() => render("a: 1\uE0F0", {}), /private use/);
  });
});
