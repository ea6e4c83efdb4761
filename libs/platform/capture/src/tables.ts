import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { chainsOf, type Family, isBuiltIn, type Rule } from "./rules.ts";

const log = logger("capture");

/** The iptables of one IP version, in the network namespace of the process or in a given one. */
export class Tables {
  readonly #family: Family;
  readonly #enter: readonly string[];
  #variant = "";

  /** @param netns the path of a network namespace; empty: that of this process */
  constructor(family: Family, netns: string) {
    this.#family = family;
    this.#enter = netns === "" ? [] : ["nsenter", `--net=${netns}`, "--"];
  }

  /**
   * Chooses the variant: legacy only when it holds rules already, as Istio does.
   * @param forced `legacy` or `nft`; empty: no wish
   */
  async choose(forced: string): Promise<void> {
    const name = this.#family === 4 ? "iptables" : "ip6tables";
    const variants = forced ? [forced] : ["legacy", "nft"];
    for (const variant of variants) {
      if (!isOnPath(`${name}-${variant}-restore`)) continue;
      this.#variant = `-${variant}`;
      if (forced || variant === "nft") return;
      const saved = await this.#run(`${name}-legacy-save`, []).catch(() => "");
      if (saved.split("\n").some((line) => line.startsWith("-A"))) return;
    }
    if (this.#variant === "-legacy" && !forced) this.#variant = "";
    if (this.#variant === "" && !isOnPath(`${name}-restore`))
      throw new XebecError(
        "failed_precondition",
        `${name}-restore is not on PATH; the image of the container must have it`,
      );
  }

  /** Adds rules in one step. */
  async apply(input: string): Promise<void> {
    await this.#run(this.#program("-restore"), ["--noflush", "--wait"], input);
  }

  /** How the rules that are there relate to these. */
  async compare(rules: readonly Rule[]): Promise<"none" | "equal" | "different"> {
    const tables = [...new Set(rules.map(({ table }) => table))];
    let found = false;
    let missing = false;
    for (const table of tables) {
      const own = rules.filter((each) => each.table === table);
      const there = new Set(
        (await this.#iptables(["-t", table, "-S"]))
          .split("\n")
          .flatMap((line) => /^-N (ISTIO_\S+)/.exec(line)?.[1] ?? []),
      );
      found ||= there.size > 0;
      const wanted = chainsOf(own);
      missing ||= wanted.some((each) => !there.has(each)) || there.size !== wanted.length;
    }
    if (!found) return "none";
    if (missing) return "different";
    for (const { table, chain, match } of rules)
      if (!(await this.#holds(["-t", table, "-C", chain, ...match]))) return "different";
    return "equal";
  }

  /** Removes rules and Istio's chains; what is not there is no error. */
  async clean(rules: readonly Rule[]): Promise<void> {
    for (const { table, chain, match } of rules)
      if (isBuiltIn(chain)) await this.#try(["-t", table, "-D", chain, ...match]);
    for (const table of ["nat", "mangle", "raw"] as const) {
      const chains = chainsOf(rules.filter((each) => each.table === table));
      for (const each of chains) await this.#try(["-t", table, "-F", each]);
      for (const each of chains) await this.#try(["-t", table, "-X", each]);
    }
  }

  /** Runs `ip` in the same network namespace. */
  async ip(args: readonly string[]): Promise<void> {
    await this.#run("ip", args).catch((error: unknown) => {
      if (!(error instanceof XebecError && /exists/.test(error.message))) throw error;
    });
  }

  /** Everything that is there, for the log. */
  save(): Promise<string> {
    return this.#run(this.#program("-save"), []);
  }

  #program(suffix: string): string {
    return `${this.#family === 4 ? "iptables" : "ip6tables"}${this.#variant}${suffix}`;
  }

  #iptables(args: readonly string[]): Promise<string> {
    return this.#run(this.#program(""), ["--wait", ...args]);
  }

  async #holds(args: readonly string[]): Promise<boolean> {
    return this.#iptables(args).then(
      () => true,
      () => false,
    );
  }

  async #try(args: readonly string[]): Promise<void> {
    await this.#iptables(args).catch((error: unknown) => log.debug({ err: error }, "there was nothing to remove"));
  }

  #run(program: string, args: readonly string[], input?: string): Promise<string> {
    const [file, ...rest] = [...this.#enter, program, ...args] as [string, ...string[]];
    return new Promise((resolve, reject) => {
      const child = spawn(file, rest, { stdio: ["pipe", "pipe", "pipe"] });
      let out = "";
      let said = "";
      child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
      child.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
      child.once("error", (error) =>
        reject(new XebecError("failed_precondition", `${file} cannot be started: ${error.message}`, { cause: error })),
      );
      child.once("close", (code) => {
        if (code === 0) resolve(out);
        else
          reject(new XebecError("failed_precondition", `${program} ${args.join(" ")}: exit ${code}: ${said.trim()}`));
      });
      child.stdin.on("error", () => {}); // one that reads nothing says why by its exit code
      child.stdin.end(input);
    });
  }
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter(Boolean)
    .some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false; // whatever the reason, it cannot be run from there
      }
    });
}
