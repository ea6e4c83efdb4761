// Builds the images as OCI archives, without a container engine: `npm run images [-- NAME…] [--hub docker.io/xebec] [--tag 0.1.0]`.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { baseLayer, buildImage } from "../src/build-image.ts";
import { IMAGES } from "../src/images.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { hub: { type: "string", default: "docker.io/xebec" }, tag: { type: "string", default: version } },
});
const unknown = positionals.filter((name) => !IMAGES.some((each) => each.name === name));
if (unknown.length > 0) {
  console.error(`no image ${unknown.join(", ")}; there are ${IMAGES.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const tools = readdirSync(join(ROOT, ".tools")).map((each) => join(ROOT, ".tools", each, "envoy/_bin/envoy"));
const envoy = process.env.XEBEC_ENVOY ?? tools.find((each) => existsSync(each));
const programs = { node: process.execPath, ...(envoy ? { envoy } : {}) };
const base = baseLayer(programs);
for (const image of IMAGES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const file = join(ROOT, "deploy/images/dist", `${image.name}.tar`);
  buildImage(file, image, {
    workingCopy: ROOT,
    programs,
    base,
    reference: `${values.hub}/${image.name}:${values.tag}`,
  });
  console.log(file);
}
