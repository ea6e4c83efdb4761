// Writes the CustomResourceDefinitions of all kinds, as YAML: to a file, or to standard output.
// node libs/model/resources/scripts/write-crds.ts [FILE]
import { writeFileSync } from "node:fs";
import { writeYaml } from "@xebec/core-yaml";
import { allCrds } from "../src/crd/crd.ts";

const text = allCrds()
  .map((crd) => writeYaml(crd))
  .join("---\n");
const [file] = process.argv.slice(2);
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);
