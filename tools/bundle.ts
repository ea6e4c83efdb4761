// Bundles programs with esbuild: `bundle.ts PROJECT…`. A bundle lies in dist/, at the depth of src/, so
// that what a program finds beside itself stays where it was. Splitting keeps what is loaded on demand in files of its own.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { builtins, onePerVersion, ownModules } from "./bundle-plugins.ts";

const ROOT = resolve(import.meta.dirname, "..");
/** CommonJS packages call `require` for Node's own modules. */
const REQUIRE = 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);';

const projects = process.argv.slice(2);
if (projects.length === 0) {
  process.stderr.write("usage: bundle.ts PROJECT...\n");
  process.exit(2);
}
for (const project of projects) await bundle(project);

async function bundle(project: string): Promise<void> {
  const entries = ["main.ts", "supervisor-main.ts", "guardian-main.ts"]
    .map((name) => join(ROOT, project, "src", name))
    .filter((path) => existsSync(path));
  const outdir = join(ROOT, project, "dist");
  const result = await build({
    entryPoints: entries,
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "esm",
    minify: true,
    keepNames: true,
    sourcemap: false,
    chunkNames: "chunk-[hash]",
    banner: { js: REQUIRE },
    logLevel: "silent",
    plugins: [builtins, ownModules(ROOT), onePerVersion()],
    absWorkingDir: ROOT,
  });
  publish(outdir, result.outputFiles);
}

/** New files first, the entries last, so that a program which starts meanwhile finds a whole bundle. */
function publish(outdir: string, files: readonly { readonly path: string; readonly contents: Uint8Array }[]): void {
  mkdirSync(outdir, { recursive: true });
  const names = new Set(files.map((file) => file.path));
  const isChunk = (path: string): boolean => path.includes("/chunk-");
  for (const { path, contents } of files.toSorted((a, b) => Number(isChunk(b.path)) - Number(isChunk(a.path)))) {
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    writeFileSync(`${path}.part`, contents);
    renameSync(`${path}.part`, path);
  }
  for (const name of readdirSync(outdir)) if (!names.has(join(outdir, name))) rmSync(join(outdir, name));
}
