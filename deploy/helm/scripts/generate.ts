// Writes what the charts have from code: the CustomResourceDefinitions, and the schemas of their values.
// node deploy/helm/scripts/generate.ts
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generatedFiles } from "../src/generated-files.ts";

const ROOT = join(import.meta.dirname, "..");

for (const [path, text] of generatedFiles((name) => readFileSync(join(ROOT, name), "utf8"))) {
  const file = join(ROOT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}.part`, text);
  renameSync(`${file}.${process.pid}.part`, file);
}
