// Writes the reference pages of the configuration kinds, docs/reference/config. tests/docs checks that they are up to date.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { referencePages } from "../src/reference/page.ts";

const folder = join(import.meta.dirname, "../../../../docs/reference/config");
mkdirSync(folder, { recursive: true });
for (const { file, text } of referencePages()) writeFileSync(join(folder, file), text);
