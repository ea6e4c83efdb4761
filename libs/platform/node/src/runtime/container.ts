import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ContainerLog } from "./container-log.ts";
import { type Image, isHostImage } from "./image.ts";
import { resolveInRoot } from "./root-path.ts";

/** A file or directory of the host at a place in a container. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerOptions {
  /** Its own directory on the host. */
  readonly directory: string;
  readonly image: Image;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly mounts: readonly Mount[];
  /** The path of its network namespace. */
  readonly netns: string;
  readonly hostname: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Capabilities that a user other than root gets, such as NET_ADMIN. */
  readonly capabilities: readonly string[];
  readonly readOnlyRoot: boolean;
  readonly sysctls: readonly { readonly name: string; readonly value: string }[];
  /** Directories of the host that every container sees, wherever they lie: the working copy, and Node. */
  readonly visible: readonly string[];
  readonly logFile: string;
  readonly stdin?: boolean;
}

export interface Exit {
  readonly code: number;
  readonly signal?: number;
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];

/**
 * A running container: namespaces of its own for mounts, processes, IPC and the host name, the pod's for the network. Its root is
 * an overlay of the image's layers, what it writes there is in memory. It isolates for fidelity; it is no security boundary.
 */
export class RunningContainer {
  readonly options: ContainerOptions;
  readonly startedAt = new Date();
  readonly log: ContainerLog;
  readonly #child: ChildProcess;
  #exit: Exit | undefined;
  finishedAt: Date | undefined;
  /** Resolves when it has ended and its output is complete. */
  readonly ended: Promise<Exit>;

  constructor(options: ContainerOptions) {
    this.options = options;
    const script = writeScript(options);
    this.log = new ContainerLog(options.logFile);
    this.#child = spawn(
      "/usr/bin/setpriv",
      [
        // It ends with this process, however that ends.
        ...["--pdeathsig", "KILL", "--", "/usr/bin/nsenter", `--net=${options.netns}`, "--"],
        "/usr/bin/unshare",
        ...["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"],
        ...["/bin/sh", script],
      ],
      { env: { ...options.env }, stdio: [options.stdin ? "pipe" : "ignore", "pipe", "pipe"], detached: true },
    );
    this.#child.stdout?.on("data", (bytes: Buffer) => this.log.write("stdout", bytes));
    this.#child.stderr?.on("data", (bytes: Buffer) => this.log.write("stderr", bytes));
    this.#child.stdin?.on("error", () => {}); // it reads no more
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (this.#exit) return;
        const number = signal === null ? undefined : (SIGNALS[signal] ?? 9);
        this.#exit = number === undefined ? { code: code ?? 1 } : { code: 128 + number, signal: number };
        this.finishedAt = new Date();
        this.log.end();
        resolve(this.#exit);
      };
      this.#child.once("error", (error) => {
        this.log.write("stderr", Buffer.from(`${error.message}\n`));
        end(128, null);
      });
      // Not "exit": what it wrote last is still to come. A grandchild that holds the pipe cannot be left over.
      this.#child.once("close", end);
    });
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** The id, on the host, of the process that is number 1 in the container; undefined before it runs and after its end. */
  get pid(): number | undefined {
    const parent = this.#child.pid;
    if (this.#exit || parent === undefined) return undefined;
    try {
      const [first] = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").split(" ");
      return first ? Number(first) : undefined;
    } catch {
      return undefined; // it has just ended
    }
  }

  /** Gives it input; undefined ends it. */
  input(bytes: Buffer | undefined): void {
    if (bytes) this.#child.stdin?.write(bytes);
    else this.#child.stdin?.end();
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this;
    try {
      if (pid !== undefined) process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Ends it: SIGTERM to its first process, SIGKILL to all after the grace period. */
  async stop(graceMs: number): Promise<void> {
    if (graceMs > 0) this.signal("SIGTERM");
    const kill = (): void => {
      this.signal("SIGKILL");
      // Before it had a process of its own.
      this.#child.kill("SIGKILL");
    };
    const late = setTimeout(kill, graceMs);
    await this.ended;
    clearTimeout(late);
  }

  /** The command line by which another program runs in it. @param user absent: the container's own */
  execCommand(command: readonly string[]): readonly string[] {
    const { pid, options } = this;
    if (pid === undefined) throw new Error("the container does not run");
    return [
      "/usr/bin/nsenter",
      ...[`--target=${pid}`, "--mount", "--uts", "--ipc", "--net", "--pid", "--root"],
      `--wd=/proc/${pid}/root${resolveInRoot(options.image.layers, options.workingDir)}`,
      ...["--setgid", String(options.gid), "--setuid", String(options.uid), "--", ...command],
    ];
  }
}

/** Writes the script that makes the container's mounts and becomes its process. @returns its path */
function writeScript(options: ContainerOptions): string {
  const { directory, image, mounts, visible } = options;
  const root = join(directory, "root");
  const rw = join(directory, "rw");
  mkdirSync(root, { recursive: true, mode: 0o755 });
  mkdirSync(rw, { recursive: true, mode: 0o755 });
  const isHost = isHostImage(image);
  const at = (path: string): string => join(root, resolveInRoot(image.layers, path));
  const file = (name: string, lines: readonly string[]): string => {
    const path = join(directory, name);
    writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
    return path;
  };
  const entry = (source: string, target: string, type: string, flags: string): string =>
    [source, target, type, flags].map(escapeField).join(" ").concat(" 0 0");
  const upper = file("fstab.upper", [entry("upper", rw, "tmpfs", "mode=755")]);
  const layers = image.layers.map((each) => each.replaceAll(/[\\:,]/g, "\\$&")).join(":");
  const base = file("fstab.base", [
    entry("root", root, "overlay", `lowerdir=${layers},upperdir=${rw}/upper,workdir=${rw}/work`),
    entry("proc", join(root, "proc"), "proc", "nosuid"),
    entry("/sys", join(root, "sys"), "none", "rbind"),
    entry("dev", join(root, "dev"), "tmpfs", "mode=755"),
    // The host's own are not for containers.
    ...(isHost ? [entry("tmp", join(root, "tmp"), "tmpfs", "mode=1777")] : []),
    ...(isHost ? [entry("run", join(root, "run"), "tmpfs", "mode=755")] : []),
  ]);
  const shown = isHost ? visible.map((source) => ({ source, target: source, readOnly: true })) : [];
  const devices = DEVICES.map((each) => ({ source: `/dev/${each}`, target: `/dev/${each}`, readOnly: false }));
  // A mount below another one comes after it. The working copy may lie below a volume, such as one at /tmp, and must not be hidden by it.
  const ordered = mounts.toSorted((a, b) => a.target.length - b.target.length);
  const outer = ordered.filter(
    ({ target, readOnly }) => isHost && !readOnly && visible.some((each) => each.startsWith(`${target}/`)),
  );
  const binds = [...devices, ...shown, ...ordered.filter((each) => !outer.includes(each))];
  const targets = binds.map(({ source, target }) => ({ path: at(target), isFile: !statSync(source).isDirectory() }));
  const bindEntry = ({ source, target, readOnly }: Mount): string =>
    entry(source, at(target), "none", readOnly ? "bind,ro" : "bind");
  const bindOuter = file("fstab.outer", outer.map(bindEntry));
  const bind = file("fstab.bind", binds.map(bindEntry));
  const folders = [...new Set(targets.map(({ path, isFile }) => (isFile ? dirname(path) : path)))];
  const files = targets.filter(({ isFile }) => isFile).map(({ path }) => path);
  const lines = [
    "set -e",
    `printf %s ${quote(options.hostname)} >/proc/sys/kernel/hostname`,
    // As container runtimes do: no port needs a privilege.
    "echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start",
    ...options.sysctls.map(({ name, value }) => `printf %s ${quote(value)} >/proc/sys/${name.replaceAll(".", "/")}`),
    `/usr/bin/mount -a -T ${quote(upper)}`,
    `/bin/mkdir ${quote(`${rw}/upper`)} ${quote(`${rw}/work`)}`,
    ...(isHost
      ? []
      : [`/bin/mkdir -p ${["proc", "sys", "dev", "tmp"].map((each) => quote(`${rw}/upper/${each}`)).join(" ")}`]),
    `/usr/bin/mount -a -T ${quote(base)}`,
    ...(outer.length > 0
      ? [
          `/bin/mkdir -p ${outer.map(({ target }) => quote(at(target))).join(" ")}`,
          `/usr/bin/mount -a -T ${quote(bindOuter)}`,
        ]
      : []),
    `/bin/mkdir -p ${quote(join(root, "dev/shm"))} ${quote(join(root, "dev/pts"))} ${folders.map(quote).join(" ")}`,
    ...(files.length > 0 ? [`/usr/bin/touch ${files.map(quote).join(" ")}`] : []),
    `/usr/bin/mount -t devpts -o newinstance,ptmxmode=0666 devpts ${quote(join(root, "dev/pts"))}`,
    `/usr/bin/mount -t tmpfs -o mode=1777 shm ${quote(join(root, "dev/shm"))}`,
    `cd ${quote(join(root, "dev"))}; /bin/ln -s /proc/self/fd fd; /bin/ln -s /proc/self/fd/0 stdin; /bin/ln -s /proc/self/fd/1 stdout; /bin/ln -s /proc/self/fd/2 stderr; /bin/ln -s pts/ptmx ptmx; cd /`,
    `/usr/bin/mount -a -T ${quote(bind)}`,
    ...(isHost ? openFolders(root, visible) : []),
    ...(isHost && options.workingDir !== "/" ? [`/bin/mkdir -p ${quote(at(options.workingDir))}`] : []),
    ...(options.readOnlyRoot ? [`/usr/bin/mount -o remount,ro,bind ${quote(root)}`] : []),
    `exec ${enter(options, root)} ${options.command.map(quote).join(" ")}`,
  ];
  return file("start.sh", lines);
}

/** Another user than root has to come as far as the working copy, which may lie in a home directory. */
function openFolders(root: string, visible: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const each of visible)
    for (let path = dirname(each); path !== "/"; path = dirname(path))
      if ((statSync(path).mode & 0o001) === 0) folders.add(join(root, path));
  return folders.size > 0 ? [`/bin/chmod o+x ${[...folders].map(quote).join(" ")}`] : [];
}

function enter({ image, uid, gid, groups, capabilities, workingDir }: ContainerOptions, root: string): string {
  const user = ["--regid", String(gid), ...(groups.length > 0 ? ["--groups", groups.join()] : ["--clear-groups"])];
  const change = ["/usr/bin/unshare", `--root=${quote(root)}`, `--wd=${quote(workingDir)}`];
  if (!isHostImage(image)) return ["/usr/bin/setpriv", ...user, ...change, "--setuid", String(uid), "--"].join(" ");
  const more = uid === 0 ? [] : capabilities.map((each) => `+${each.replace(/^CAP_/, "").toLowerCase()}`);
  const caps = more.length > 0 ? [`--inh-caps=${more.join()}`, `--ambient-caps=${more.join()}`] : [];
  return [...change, "/usr/bin/setpriv", "--reuid", String(uid), ...user, ...caps, "--"].join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function escapeField(text: string): string {
  return text.replaceAll("\\", "\\134").replaceAll(" ", "\\040").replaceAll("\t", "\\011").replaceAll("\n", "\\012");
}
