// Measures what there is and prints a table: `npm run bench [-- pilot scale many mixer citadel inject rest kube-scale]`. Nothing is judged here.
import { availableParallelism, cpus } from "node:os";
import { citadelFigures } from "./citadel.bench.ts";
import { injectFigures } from "./inject.bench.ts";
import { kubeScaleFigures } from "./kube-scale.bench.ts";
import { manyInMeshFigures } from "./many-in-mesh.bench.ts";
import { manyObjectsFigures } from "./many-objects.bench.ts";
import { mixerFigures } from "./mixer.bench.ts";
import { pilotFigures } from "./pilot.bench.ts";
import { restFigures } from "./rest.bench.ts";
import { scaleFigures } from "./scale.bench.ts";
import { printTable } from "./table.ts";

const BENCHES = {
  pilot: pilotFigures,
  scale: scaleFigures,
  many: async () => [...(await manyObjectsFigures()), ...(await manyInMeshFigures())],
  mixer: mixerFigures,
  citadel: citadelFigures,
  inject: injectFigures,
  rest: restFigures,
  "kube-scale": kubeScaleFigures,
};
const wanted = process.argv.slice(2);
for (const name of wanted)
  if (!(name in BENCHES)) throw new Error(`no bench ${name}; there are ${Object.keys(BENCHES).join(", ")}`);
console.log(
  `${availableParallelism()} cores, ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.versions.node}; CPU figures hold on a shared machine, rates and times less so`,
);
for (const [name, figures] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  printTable(await figures());
}
process.exit(0);
