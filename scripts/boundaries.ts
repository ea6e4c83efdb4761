// Checks the project graph that Nx makes from the package.json files against the layers of docs/architecture.md, and that neither
// packages nor files import each other in a circle, type-only imports included.
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cycles, fileImports } from "./import-cycles.ts";

interface Graph {
  readonly graph: {
    readonly nodes: Readonly<
      Record<string, { readonly data: { readonly tags?: readonly string[]; readonly root: string } }>
    >;
    readonly dependencies: Readonly<Record<string, readonly { readonly source: string; readonly target: string }[]>>;
  };
}

/** What each layer may use; arrows go down only. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  api: ["core", "api"],
  model: ["core", "api", "model"],
  domain: ["core", "api", "model", "domain", "sdk", "catalogue"],
  platform: ["core", "api", "model", "platform"],
  server: ["core", "api", "model", "domain", "platform", "sdk", "catalogue", "server"],
  sdk: ["core", "model", "sdk"],
  // Of adapters only what they are: their code is loaded on demand (a test of the catalogue keeps it so).
  catalogue: ["core", "model", "sdk", "catalogue", "adapter"],
  adapter: ["core", "model", "sdk", "platform"],
  app: ["core", "api", "model", "domain", "platform", "server", "sdk", "catalogue", "adapter"],
  testing: ["core", "api", "model", "domain", "platform", "server", "sdk", "catalogue", "adapter", "testing"],
};
/** Layers whose packages belong to one service; another service's are out of bounds. */
const SCOPED = new Set(["domain", "server"]);

const folder = mkdtempSync(join(tmpdir(), "xebec-graph-"));
const file = join(folder, "graph.json");
execFileSync("nx", ["graph", `--file=${file}`], {
  stdio: ["ignore", "ignore", "inherit"],
  env: { ...process.env, NX_DAEMON: "false" },
});
const { graph } = JSON.parse(readFileSync(file, "utf8")) as Graph;
rmSync(folder, { recursive: true });

const tag = (name: string, kind: string): string | undefined =>
  graph.nodes[name]?.data.tags?.find((each) => each.startsWith(`${kind}:`))?.slice(kind.length + 1);
const violations: string[] = [];
for (const name of Object.keys(graph.nodes)) {
  const layer = tag(name, "layer");
  if (!layer || !ALLOWED[layer]) violations.push(`${name}: has no known layer tag`);
  if (!tag(name, "scope")) violations.push(`${name}: has no scope tag`);
}
for (const { source, target } of Object.values(graph.dependencies).flat()) {
  const [from, to] = [tag(source, "layer"), tag(target, "layer")];
  if (!from || !to) continue;
  // What only tests use stands under devDependencies.
  if (isDevelopment(source, target)) continue;
  if (!ALLOWED[from]?.includes(to)) violations.push(`${source} (${from}) may not use ${target} (${to})`);
  const [own, other] = [tag(source, "scope"), tag(target, "scope")];
  if (from !== "app" && from !== "testing" && SCOPED.has(to) && own !== other)
    violations.push(`${source} (scope ${own}) may not use ${target} (scope ${other})`);
}
const packages = new Map(
  Object.entries(graph.dependencies).map(([name, list]) => [
    name,
    list.flatMap(({ source, target }) => (target in graph.nodes && !isDevelopment(source, target) ? [target] : [])),
  ]),
);
const files = sourceFiles();
for (const group of [...cycles(packages), ...cycles(fileImports(files))])
  violations.push(`import cycle: ${group.join(", ")}; move what they share to a file or package of its own`);
for (const violation of violations) console.error(violation);
console.log(
  `${Object.keys(graph.nodes).length} packages, ${files.size} files, ${violations.length} boundary violations`,
);
process.exitCode = violations.length > 0 ? 1 : 0;

function sourceFiles(): Map<string, string> {
  const skipped = (path: string): boolean =>
    path.split("/").some((part) => part === "node_modules" || part === "gen" || part === "dist");
  const paths = globSync("{libs,apps,deploy,scripts,tests}/**/*.ts", { exclude: skipped });
  return new Map(paths.filter((path) => !skipped(path)).map((path) => [path, readFileSync(path, "utf8")]));
}

function isDevelopment(source: string, target: string): boolean {
  const root = graph.nodes[source]?.data.root;
  if (root === undefined) return false;
  const { devDependencies = {} } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    devDependencies?: Record<string, string>;
  };
  return target in devDependencies;
}
