import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readYaml } from "@xebec/core-yaml";
import { readProtoJson, violationsText, violationText } from "@xebec/model-schema";
import type { Kind } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import { Checker } from "./rules/checker.ts";

/** What is wrong with a spec, what is warned of (`warning: ...`), or `ok`. */
export function checkSpec(kind: Kind, spec: unknown, namespace = "shop"): string {
  const read = readProtoJson(kind.schema, spec, ["spec"]);
  if (read.violations.length > 0) return violationsText(read.violations);
  const check = new Checker(namespace);
  kind.check?.(read.value as never, check);
  if (check.violations.length > 0) return violationsText(check.violations);
  return check.warnings.map((each) => `warning: ${violationText(each)}`).join("; ") || "ok";
}

/** A pair of files in `kinds/KIND/testdata`: each line of the first is a spec, the same line of the second what is said of it. */
export interface Pair {
  readonly kind: Kind;
  /** Path without its end, `.../kinds/gateway/testdata/tls`. */
  readonly path: string;
  readonly lines: readonly string[];
}

const FOLDER = join(import.meta.dirname, "kinds");

/** All golden pairs of validation. */
export function pairs(): Pair[] {
  return readdirSync(FOLDER).flatMap((folder) => {
    const kind = KINDS.find((each) => each.kind.replace(/(?!^)([A-Z])/g, "-$1").toLowerCase() === folder);
    const testdata = join(FOLDER, folder, "testdata");
    const files = kind && existsSync(testdata) ? readdirSync(testdata).filter((file) => file.endsWith(".in.yaml")) : [];
    return files.map((file) => ({
      kind: kind as Kind,
      path: join(testdata, file.replace(/\.in\.yaml$/, "")),
      lines: readFileSync(join(testdata, file), "utf8").trimEnd().split("\n"),
    }));
  });
}

/** A line of a pair as a spec; undefined for a comment. */
export function specOf(line: string): unknown {
  return line.startsWith("#") ? undefined : readYaml(line);
}
