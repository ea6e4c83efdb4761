import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { ImageSpec } from "./images.ts";

export interface Programs {
  readonly node: string;
  readonly envoy?: string;
}

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** What every image has: Node with the libraries that it is linked to, certificates, users. There is no shell. */
export function writeBase(root: string, { node }: Programs): void {
  addProgram(root, node, "/usr/local/bin/node");
  for (const path of ["etc/ssl/certs", "tmp", "var/lib/xebec", "var/run/secrets"])
    mkdirSync(join(root, path), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  chmodSync(join(root, "var/lib/xebec"), 0o777);
  if (existsSync(CERTIFICATES)) copyFileSync(CERTIFICATES, join(root, CERTIFICATES));
  const users = [
    ["root", 0],
    ["istio-proxy", 1337],
    ["nonroot", 65_532],
  ] as const;
  writeFileSync(join(root, "etc/passwd"), users.map(([name, id]) => `${name}:x:${id}:${id}::/:/none\n`).join(""));
  writeFileSync(join(root, "etc/group"), users.map(([name, id]) => `${name}:x:${id}:\n`).join(""));
  writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
}

/** What an image has besides: the bundle of its app, and the programs that it starts. */
export function writeApp(root: string, workingCopy: string, { app, programs = [] }: ImageSpec, found: Programs): void {
  const dist = join(workingCopy, "apps", app, "dist");
  if (!existsSync(join(dist, "main.mjs")))
    throw new XebecError("failed_precondition", `apps/${app} is not bundled; run "node scripts/bundle.mjs"`);
  cpSync(dist, join(root, "app/apps", app, "dist"), {
    recursive: true,
    filter: (path) => !path.endsWith("inputs.json"),
  });
  // The version stands there.
  for (const path of ["package.json", `apps/${app}/package.json`])
    copyFileSync(join(workingCopy, path), join(root, "app", path));
  // The command line renders the charts.
  if (app === "xebec")
    cpSync(join(workingCopy, "deploy/helm"), join(root, "app/deploy/helm"), {
      recursive: true,
      filter: (path) => !/node_modules|\/src(\/|$)|\/scripts(\/|$)/.test(path),
    });
  if (!programs.includes("envoy")) return;
  if (!found.envoy) throw new XebecError("failed_precondition", `${app} needs Envoy; run "npm run setup"`);
  addProgram(root, found.envoy, "/usr/local/bin/envoy");
  // The command of Istio's images, for hooks of containers and kubectl exec.
  const command = join(root, "usr/local/bin/pilot-agent");
  writeFileSync(command, `#!/usr/local/bin/node\nimport "/app/apps/${app}/dist/main.mjs";\n`);
  chmodSync(command, 0o755);
  mkdirSync(join(root, "etc/istio/proxy"), { recursive: true });
  chmodSync(join(root, "etc/istio/proxy"), 0o777);
}

/** Copies a program and the shared libraries that it needs. */
function addProgram(root: string, from: string, to: string): void {
  const copy = (source: string, target: string): void => {
    mkdirSync(dirname(join(root, target)), { recursive: true });
    copyFileSync(realpathSync(source), join(root, target));
  };
  copy(from, to);
  chmodSync(join(root, to), 0o755);
  const list = execFileSync("ldd", [realpathSync(from)], { encoding: "utf8" });
  for (const [, path] of list.matchAll(/(?:=> )?(\/\S+) \(0x/g)) if (path) copy(path, path);
}
