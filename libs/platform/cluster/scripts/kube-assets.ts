// `npm run kube-assets`: makes the programs of a Kubernetes cluster that this machine does not have (docs/cluster.md).
import { join } from "node:path";
import { GROUPS, makeKubeAssets, missingPrograms } from "../src/assets/index.ts";

const places = { root: join(import.meta.dirname, "../../../.."), env: process.env };
const wanted = process.argv.slice(2).filter((each) => each !== "--quiet");
const quiet = process.argv.includes("--quiet");
const groups = (Object.keys(GROUPS) as (keyof typeof GROUPS)[]).filter(
  (each) => wanted.length === 0 || wanted.includes(each),
);
try {
  await makeKubeAssets({ ...places, groups, progress: (group, text) => console.log(`${group}: ${text}`) });
  const missing = missingPrograms(
    places,
    groups.flatMap((each) => [...GROUPS[each]]),
  );
  if (missing.length > 0) throw new Error(`${missing.join(", ")} are still missing`);
  if (!quiet) console.log("the programs of a Kubernetes cluster are ready");
} catch (error) {
  console.error(`kube-assets: ${(error as Error).message}`);
  process.exitCode = 1;
}
