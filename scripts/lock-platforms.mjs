// Completes package-lock.json with the optional platform packages that the registry in use does not carry, so that
// `npm ci` accepts the lock file everywhere. They are never fetched where os, cpu or libc do not match.
import { readFileSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";
const OPERATING_SYSTEMS = "darwin win32 linux android freebsd openbsd netbsd sunos aix openharmony".split(" ");
const PROCESSORS = "arm64 x64 ia32 arm armv7 ppc64 s390x riscv64 loong64 mips64el wasm32".split(" ");

const lock = JSON.parse(readFileSync(FILE, "utf8"));
const { packages } = lock;

/** Says whether `name` resolves from the package at `from`, as Node resolves it: nearest node_modules first. */
function resolves(from, name) {
  for (let at = from; ; ) {
    if (packages[`${at ? `${at}/` : ""}node_modules/${name}`]) return true;
    if (!at) return false;
    const up = at.lastIndexOf("node_modules/");
    at = up <= 0 ? "" : at.slice(0, up - 1);
  }
}

let added = 0;
for (const [key, entry] of Object.entries(packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(key, name)) continue;
    const words = name.split(/[-/@.]/);
    const cpu = words.find((word) => PROCESSORS.includes(word));
    packages[`node_modules/${name}`] = {
      version: range.replace(/^[\^~]/, ""),
      cpu: [cpu === "armv7" ? "arm" : (cpu ?? "none")],
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      os: [words.find((word) => OPERATING_SYSTEMS.includes(word)) ?? "none"],
      ...(words.includes("musl") ? { libc: ["musl"] } : {}),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${FILE}: added ${added} platform entries`);
