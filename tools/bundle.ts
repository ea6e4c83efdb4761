// Bundles programs with esbuild: `bundle.ts PROJECT…`. A bundle lies in dist/, at the depth of src/, so
// that what a program finds beside itself stays where it was. Splitting keeps what is loaded on demand in files of its own.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type BuildFailure, build } from "esbuild";
import { builtins, onePerVersion, ownModules } from "./bundle-plugins.ts";

const ROOT = resolve(import.meta.dirname, "..");
/** CommonJS packages call `require` for Node's own modules. */
const REQUIRE = 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);';

/** What else decides about every bundle. */
const ALWAYS = [
  "tools/bundle.ts",
  "tools/bundle-plugins.ts",
  "tsconfig.base.json",
  "tsconfig.json",
  "package-lock.json",
];
/** A running program may load a part of its bundle late; parts of earlier bundles stay for so long, in milliseconds. */
const KEEP_MS = 7 * 86_400_000;

const projects = process.argv.slice(2);
if (projects.length === 0) {
  process.stderr.write("usage: bundle.ts PROJECT...\n");
  process.exit(2);
}
for (const project of projects)
  await bundle(project).catch((error: Partial<BuildFailure>) => {
    const [first] = error.errors ?? [];
    const where = first?.location ? `${first.location.file}:${first.location.line}: ` : "";
    process.stderr.write(`error: ${where}${first?.text ?? String(error)}\n`);
    process.exit(1);
  });

async function bundle(project: string): Promise<void> {
  const entries = [
    "main.ts",
    "supervisor-main.ts",
    "watchdog-main.ts",
    "cluster-main.ts",
    "node-main.ts",
    "adapter-worker-main.ts",
  ]
    .map((name) => join(ROOT, project, "src", name))
    .filter((path) => existsSync(path));
  const outdir = join(ROOT, project, "dist");
  const began = Date.now();
  const result = await build({
    entryPoints: entries,
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    write: false,
    platform: "node",
    // Parts of libraries in C++ that are not installed; ws, Vega and Redis' client do without.
    external: ["bufferutil", "utf-8-validate", "canvas", "@node-rs/xxhash"],
    target: "node24",
    format: "esm",
    minify: true,
    keepNames: true,
    sourcemap: false,
    metafile: true,
    chunkNames: "chunk-[hash]",
    banner: { js: REQUIRE },
    logLevel: "silent",
    plugins: [builtins, ownModules(ROOT), onePerVersion()],
    absWorkingDir: ROOT,
  });
  publish(outdir, result.outputFiles);
  prune(outdir, new Set(result.outputFiles.map((file) => file.path)));
  prune(join(ROOT, ".tools/compile-cache"));
  const inputs = Object.keys(result.metafile.inputs).filter((path) => !path.startsWith("builtin:"));
  writeWhole(join(outdir, "inputs.json"), JSON.stringify([...inputs, ...ALWAYS].map((path) => inputOf(path, began))));
}

/** Path, size and time of change of an input; one that was changed while it was bundled is not an input that was seen. */
function inputOf(path: string, began: number): [string, number, number] {
  const { size, mtimeMs } = statSync(join(ROOT, path));
  return [relative(ROOT, join(ROOT, path)), size, mtimeMs < began ? mtimeMs : 0];
}

/** New files first, the entries last, so that a program which starts meanwhile finds a whole bundle. */
function publish(outdir: string, files: readonly { readonly path: string; readonly contents: Uint8Array }[]): void {
  mkdirSync(outdir, { recursive: true });
  const isChunk = (path: string): boolean => path.includes("/chunk-");
  for (const { path, contents } of files.toSorted((a, b) => Number(isChunk(b.path)) - Number(isChunk(a.path)))) {
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    writeWhole(path, contents);
  }
}

function writeWhole(path: string, contents: string | Uint8Array): void {
  writeFileSync(`${path}.${process.pid}.part`, contents);
  renameSync(`${path}.${process.pid}.part`, path);
}

/** Removes what was not written for long. @param used stays */
function prune(folder: string, used: ReadonlySet<string> = new Set()): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && !used.has(path) && Date.now() - stat.mtimeMs > KEEP_MS) rmSync(path, { force: true });
  }
}
