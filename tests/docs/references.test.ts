import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { anchors, citations, localLinks, sectionsOf } from "./citations.ts";

const ROOT = join(import.meta.dirname, "../..");
const SKIPPED = new Set(["node_modules", "gen", "dist"]);
/** Whether the form `spec/pilot.md §3.1` is still accepted beside `docs/reference/pilot.md §3.1`. */
const FORMER_FORM_ACCEPTED = false;

/** All files with one of these endings, but generated, installed and hidden ones. */
function files(...endings: string[]): { path: string; text: string }[] {
  const skipped = (path: string) => path.split(/[/\\]/).some((part) => SKIPPED.has(part) || /^\.[^.]/.test(part));
  return endings
    .flatMap((ending) => globSync(`**/*.${ending}`, { cwd: ROOT, exclude: skipped }))
    .filter((path) => !skipped(path) && !path.startsWith(relative(ROOT, import.meta.dirname)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

test("every section of the reference that code or a page cites exists", () => {
  const pages = new Map<string, Set<string> | undefined>();
  const errors: string[] = [];
  let count = 0;
  for (const { path, text } of files("ts", "md")) {
    for (const { page, section, written, line, current } of citations(text)) {
      count++;
      if (!pages.has(page)) pages.set(page, sectionsOf(ROOT, page));
      const sections = pages.get(page);
      if (!sections) errors.push(`${path}:${line}: ${written}: there is no docs/reference/${page}.md`);
      else if (section && !sections.has(section)) errors.push(`${path}:${line}: ${written}: no section ${section}`);
      if (!current && !FORMER_FORM_ACCEPTED)
        errors.push(`${path}:${line}: ${written}: write docs/reference/${page}.md`);
    }
  }
  assert.deepEqual(errors, []);
  assert.ok(count > 100, `only ${count} citations were found`);
});

test("every link between pages leads to a file and a heading", () => {
  const errors: string[] = [];
  for (const { path, text } of files("md")) {
    for (const link of localLinks(text)) {
      const [file = "", fragment] = link.split("#");
      const target = file === "" ? join(ROOT, path) : join(ROOT, dirname(path), file);
      if (!existsSync(target)) errors.push(`${path}: ${link}: there is no such file`);
      else if (fragment && target.endsWith(".md") && !anchors(readFileSync(target, "utf8")).has(fragment))
        errors.push(`${path}: ${link}: there is no such heading`);
    }
  }
  assert.deepEqual(errors, []);
});

test("every path that the walk through the architecture names exists", () => {
  const text = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
  const paths = [...text.matchAll(/`((?:libs|apps|tests|scripts|docs|proto)\/[\w./-]+)`/g)].map(
    (each) => each[1] ?? "",
  );
  assert.ok(paths.length > 20, `only ${paths.length} paths were found`);
  const missing = paths.filter((path) => !existsSync(join(ROOT, path)));
  assert.deepEqual(missing, []);
});

test("every package has a README", () => {
  const packages = globSync("{libs,apps}/**/package.json", {
    cwd: ROOT,
    exclude: (path) => SKIPPED.has(path.split("/").at(-1) ?? ""),
  });
  assert.ok(packages.length > 40, `only ${packages.length} packages were found`);
  assert.deepEqual(
    packages.filter((path) => !existsSync(join(ROOT, dirname(path), "README.md"))),
    [],
  );
});

test("citations are found in both forms, with all their sections", () => {
  const text = [
    "/** Clusters (docs/reference/pilot.md §2.1, §2.2). */",
    "// spec/platform.md, citadel; spec mixer §7",
    " * (spec/pilot.md",
    " * §3.13; and no more)",
    "the specification of mixer, aspec/pilot.md, `spec.match`",
  ].join("\n");
  assert.deepEqual(
    citations(text).map(({ page, section, line, current }) => [page, section, line, current]),
    [
      ["pilot", "2.1", 1, true],
      ["pilot", "2.2", 1, true],
      ["platform", undefined, 2, false],
      ["mixer", "7", 2, false],
      ["pilot", "3.13", 3, false],
    ],
  );
});

test("headings become fragments as on GitHub", () => {
  const text =
    "# One `two` & <three>\n```\n# not a heading\n```\n## One two  three\n### 1.7 A → b (c)\n## 1.7 A → b (c)\n";
  assert.deepEqual([...anchors(text)], ["one-two--three", "one-two--three-1", "17-a--b-c", "17-a--b-c-1"]);
});
