// Reads the commands of a lesson from its page, and runs them as a user would.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { waitFor } from "@xebec/core-async";

const ROOT = join(import.meta.dirname, "../..");
/** How long a command may take to print what it should: proxies finish what they have begun first. */
const WITHIN_MS = 15_000;

/** A command, and what has to be in its output. */
export interface Step {
  readonly command: string;
  /** A status of HTTP, `nothing`, or a text; undefined for a command that only has to succeed. */
  readonly prints?: string;
}

/** The commands of a page's `sh` blocks. What stands behind `#` is what they print; behind a status, `: ` begins an explanation. */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const [, block = ""] of page.matchAll(/^```sh\n(.*?)^```$/gms)) {
    const lines = block.split("\n");
    while (lines.length > 0) {
      let command = lines.shift() as string;
      const end = /<<(\w+)/.exec(command)?.[1];
      while (command.endsWith("\\")) command = `${command.slice(0, -1)}${lines.shift()?.trim()}`;
      if (end) while (!command.endsWith(`\n${end}`)) command += `\n${lines.shift()}`;
      if (command.trim() === "" || command.startsWith("#")) continue;
      const [, run = command, said] = /^(.*?)\s+# (.*)$/s.exec(command) ?? [];
      const prints = said && (/^(\d{3}|nothing)(?:: |$)/.exec(said)?.[1] ?? said);
      steps.push({ command: run, ...(prints ? { prints } : {}) });
    }
  }
  return steps;
}

/** A mesh as lessons see it. */
export interface LessonMesh {
  readonly runDir: string;
  readonly ingressPort: number;
  readonly secureIngressPort: number;
  /** The second part of the mesh's addresses, which is 20 on pages. */
  readonly addressBlock: number;
}

let shells = 0;

/** One shell for a lesson: its variables last from one command to the next. */
export class LessonShell {
  readonly #mesh: LessonMesh;
  readonly #folder: string;
  readonly #names = new Set<string>();
  readonly #vars: string;

  /** @param folder an empty directory, in which the lesson leaves its files */
  constructor(mesh: LessonMesh, folder: string) {
    this.#mesh = mesh;
    this.#folder = folder;
    this.#vars = `vars-${++shells}`;
  }

  /** Runs a command until it prints what it should. @throws with what it printed */
  async run({ command, prints }: Step): Promise<void> {
    let last = "";
    const isDone = async (): Promise<boolean> => {
      const { code, out, err } = await this.#once(command);
      last = `exit code ${code}\n${out}${err}`;
      return prints === undefined ? code === 0 : isSaid(prints, out);
    };
    if (prints === undefined) {
      if (!(await isDone())) throw new Error(`${command}\n${last}`);
      return;
    }
    await waitFor(prints, WITHIN_MS, isDone).catch(() => {
      throw new Error(`${command}\ndoes not print ${JSON.stringify(prints)}, but\n${last}`);
    });
  }

  async #once(command: string): Promise<{ code: number | null; out: string; err: string }> {
    const { ingressPort, secureIngressPort, addressBlock, runDir } = this.#mesh;
    const own = command
      .replaceAll("127.0.0.1:8080", `127.0.0.1:${ingressPort}`)
      .replaceAll("127.20.0.", `127.${addressBlock}.0.`)
      .replaceAll(/\b8443\b/g, String(secureIngressPort));
    for (const [, name] of command.matchAll(/^(\w+)=/gm)) this.#names.add(name as string);
    // A page's commands are for a user in the root of the repository, who has its npx.
    const script = [
      `npx() { shift; ${process.execPath} apps/xebec/bin/xebec.mjs "$@"; }`,
      `[ -f ${this.#vars} ] && . ./${this.#vars}`,
      own,
      "code=$?",
      ...(this.#names.size > 0 ? [`declare -p ${[...this.#names].join(" ")} > ${this.#vars} 2> /dev/null`] : []),
      "exit $code",
    ].join("\n");
    const child = spawn("bash", ["-c", script], {
      cwd: this.#folder,
      env: { ...process.env, XEBEC_HOME: runDir },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, out, err };
  }

  /** What a lesson's directory has of the repository. */
  static readonly links = ["apps", "deploy"].map((name) => [name, join(ROOT, name)] as const);
}

function isSaid(prints: string, out: string): boolean {
  if (prints === "nothing") return out.trim() === "";
  if (/^\d{3}$/.test(prints)) return new RegExp(`^HTTP/[\\d.]+ ${prints}\\b`, "m").test(out);
  return out.includes(prints);
}
