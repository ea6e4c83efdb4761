import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SPRIG, Template, TemplateError, type TemplateOptions, textOf } from "./index.ts";

const DATA = {
  name: "reviews",
  count: 3,
  none: [],
  on: true,
  list: ["a", "b", "c"],
  map: { z: 1, a: "x" },
  ObjectMeta: { annotations: { "a/b": "c" }, labels: {} },
  spec: { hostNetwork: true, containers: [{ name: "app", ports: [{ containerPort: 80 }] }], serviceAccountName: "sa" },
};

/** Takes what a template writes, as Go would. */
class Text {
  written = "";

  text(text: string): void {
    this.written += text;
  }

  value(value: unknown): void {
    this.written += textOf(value);
  }
}

function render(template: string, data: unknown = DATA, options: TemplateOptions = { functions: SPRIG }): string {
  const text = new Text();
  new Template(template, options).execute(data, text);
  return text.written;
}

describe("Go templates: what Go's own documentation says of each action", () => {
  const cases: readonly (readonly [template: string, text: string])[] = [
    ["a {{.name}} b", "a reviews b"],
    ["a {{- .name -}} b", "areviewsb"],
    ["{{/* nothing */}}x{{- /* trims */ -}} y", "xy"],
    ["{{if .on}}yes{{else}}no{{end}}", "yes"],
    ["{{if .none}}1{{else if eq .count 3}}2{{else}}3{{end}}", "2"],
    ["{{if not .on}}1{{else if .none}}2{{else}}3{{end}}", "3"],
    ["{{range .list}}{{.}},{{end}}", "a,b,c,"],
    ["{{range $i, $x := .list}}{{$i}}{{$x}} {{end}}", "0a 1b 2c "],
    ["{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}", "a=x;z=1;"],
    ["{{range .none}}x{{else}}empty{{end}}", "empty"],
    ['{{range .list}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"],
    ['{{range .list}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"],
    ["{{range 3}}{{.}}{{end}}", "012"],
    ["{{with .name}}{{.}}{{end}}{{with .none}}x{{else}}none{{end}}", "reviewsnone"],
    ["{{with $x := .name}}{{$x}}{{end}}", "reviews"],
    ["{{$x := 1}}{{range .list}}{{$x = add $x 1}}{{end}}{{$x}}", "4"],
    ["{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"],
    ["{{range .list}}{{$.name}}{{end}}", "reviewsreviewsreviews"],
    ['{{define "t"}}<{{.}}>{{end}}{{template "t" .name}}', "<reviews>"],
    ['{{template "t"}}{{define "t"}}later{{end}}', "later"],
    ['{{block "b" .name}}[{{.}}]{{end}}', "[reviews]"],
    ['{{.name | printf "%s-%d" "x"}}', "x-%!d(string=reviews)"],
    ['{{printf "%05d|%-4s|%q|%.2f|%x|%v|%%" 42 "a" "b" 1.5 255 .list}}', '00042|a   |"b"|1.50|ff|[a b c]|%'],
    ['{{index .list 1}}{{index .map "a"}}{{index .ObjectMeta.Annotations `a/b`}}', "bxc"],
    ["{{len .list}}{{len .name}}{{slice .name 1 3}}", "37ev"],
    ['{{and .on .name}}{{or .none .name}}{{and .none (fail "not evaluated")}}', "reviewsreviews[]"],
    ['{{if and (eq .count 3) (lt 1 2) (ge 2 2) (ne "a" "b")}}ok{{end}}', "ok"],
    ["{{eq .count 1 2 3}}", "true"],
    ["{{'a'}} {{0x10}} {{1_000}} {{-1}} {{1.5}} {{nil}}", "97 16 1000 -1 1.5 "],
    ['{{"a\\tb\\""}}{{`\\n`}}', 'a\tb"\\n'],
    [
      "{{(index .Spec.Containers 0).Name}}{{.Spec.HostNetwork}}{{$c := index .Spec.Containers 0}}{{$c.Ports}}",
      "apptrue[map[containerPort:80]]",
    ],
    ["{{.Spec.ServiceAccountName}}{{.GetSpec.GetServiceAccountName.String}}", "sasa"],
    ['{{.Missing.Field}}|{{eq .Missing ""}}|{{if .Missing.Field}}x{{end}}', "|true|"],
  ];
  for (const [template, text] of cases) it(template, () => assert.equal(render(template), text));

  it("has other delimiters, which Istio 1.1's template needs", () => {
    const text = render("{{x}} [[ .name ]]", DATA, { delimiters: { left: "[[", right: "]]" } });
    assert.equal(text, "{{x}} reviews");
  });
});

describe("Sprig's functions, by the examples of its documentation", () => {
  const cases: readonly (readonly [template: string, text: string])[] = [
    ['{{ "" | default "foo" }}{{ default 5 0 }}', "foo5"],
    ['{{ quote "a" 1 }}{{ squote "it\'s" }}', "\"a\" \"1\"'it''s'"],
    [
      '{{ trim "  a " }}{{ trimAll "$" "$5.00$" }}{{ trimSuffix "-" "hello-" }}{{ trimPrefix "-" "-hello" }}',
      "a5.00hellohello",
    ],
    ['{{ upper "a" }}{{ lower "A" }}{{ title "hello world" }}', "AaHello World"],
    ['{{ contains "cat" "catch" }}{{ hasPrefix "cat" "catch" }}{{ hasSuffix "ch" "catch" }}', "truetruetrue"],
    [
      '{{ repeat 3 "ab" }}{{ nospace "a b" }}{{ trunc 5 "hello world" }}{{ trunc -5 "hello world" }}',
      "ababababhelloworld",
    ],
    ['{{ "I Am Henry" | replace " " "-" }}', "I-Am-Henry"],
    ['{{ indent 2 "a\\nb" }}{{ "c" | nindent 1 }}', "  a\n  b\n c"],
    ['{{ list 1 2 3 | join "-" }}{{ splitList "$" "a$b" | first }}{{ (split "$" "a$b")._1 }}', "1-2-3ab"],
    [
      "{{ append (list 1 2) 3 }}{{ prepend (list 1) 0 }}{{ concat (list 1) (list 2 3) }}{{ rest (list 1 2) }}{{ last (list 1 2) }}",
      "[1 2 3][0 1][1 2 3][2]2",
    ],
    [
      '{{ has 4 (list 1 4) }}{{ without (list 1 2 3) 2 }}{{ uniq (list 1 1 2) }}{{ compact (list 0 1 "") }}',
      "true[1 3][1 2][1]",
    ],
    [
      '{{ $d := dict "a" 1 "b" 2 }}{{ get $d "a" }}{{ hasKey $d "c" }}{{ keys $d | join "," }}{{ omit $d "a" }}{{ pick $d "a" }}',
      "1falsea,bmap[b:2]map[a:1]",
    ],
    [
      '{{ merge (dict "a" 1) (dict "a" 2 "b" 3) }}{{ mergeOverwrite (dict "a" 1) (dict "a" 2) }}',
      "map[a:1 b:3]map[a:2]",
    ],
    [
      '{{ add 1 2 3 }}{{ sub 5 2 }}{{ mul 2 3 }}{{ div 7 2 }}{{ mod 7 4 }}{{ max 1 3 2 }}{{ int "15" }}{{ add1 4 }}',
      "636333155",
    ],
    ['{{ ternary "y" "n" true }}{{ coalesce 0 "" "x" }}{{ empty 0 }}', "yxtrue"],
    ['{{ toJson (dict "b" 1 "a" (list true)) }}{{ (fromJson "{\\"x\\":[1]}").x }}', '{"a":[true],"b":1}[1]'],
    ['{{ toYaml (dict "a" (list 1 "yes")) }}', 'a:\n  - 1\n  - "yes"'],
    ['{{ "abc" | b64enc }}{{ "YWJj" | b64dec }}{{ adler32sum "Hello world!" }}', "YWJjabc487130206"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Go's regular expressions name groups so
    ['{{ regexMatch "^[a-z]+$" "abc" }}{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }}', "true-W-xxW-"],
    ['{{ kindOf 1 }}{{ kindIs "map" (dict) }}{{ kindOf "" }}', "inttruestring"],
    ['{{ until 3 }}{{ dig "a" "b" "none" (dict "a" (dict "b" 1)) }}', "[0 1 2]1"],
  ];
  for (const [template, text] of cases) it(template, () => assert.equal(render(template), text));
});

describe("a template that cannot be used", () => {
  const cases: readonly (readonly [template: string, message: RegExp])[] = [
    ["a\n{{ .x", /^line 2: the action has no end }}$/],
    ["{{if .x}}a", /^line 1: the {{if}} has no {{end}}$/],
    ["{{end}}", /^line 1: unexpected {{end}}$/],
    ["\n\n{{ nothing 1 }}", /^line 3: function "nothing" is not defined$/],
    ["{{ constructor 1 }}", /function "constructor" is not defined/],
    ["{{ $x }}", /undefined variable "\$x"/],
    ["{{ .name 1 }}", /name is not a function/],
    ["{{ (.name }}", /a \) is missing/],
    ['{{ "a }}', /unexpected ""a }}"/],
    ["\n{{ .name.x }}", /^line 2: a string has no field x$/],
    ["{{ index .list 9 }}", /the list has no element 9/],
    ['{{ template "t" }}', /template "t" is not defined/],
    ['{{define "t"}}{{template "t"}}{{end}}{{template "t"}}', /more than 100 levels deep/],
    ["{{range 1000}}{{range 1000}}x{{end}}{{end}}", /more than 200000/],
    ['{{ repeat 999999999 "x" }}', /more than 1048576 characters/],
    ['{{ fail "said so" }}', /said so/],
    ["{{ range .name }}{{ end }}", /range cannot go over a string/],
  ];
  for (const [template, message] of cases)
    it(template, () =>
      assert.throws(
        () => render(template),
        (error: Error) => error instanceof TemplateError && message.test(error.message),
      ),
    );
});
