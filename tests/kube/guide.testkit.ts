import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { waitFor } from "@xebec/core-async";
import { findKubeProgram } from "@xebec/platform-cluster/assets";
import { type Step, stepsOf } from "../e2e/lesson-page.ts";
import { ROOT } from "./helm.testkit.ts";

/** How long a command may take to print what it should. */
const WITHIN_MS = 30_000;

/** The commands of one section of a page of docs/. */
export function guideSteps(page: string, heading: string): Step[] {
  const whole = readFileSync(join(ROOT, "docs", page), "utf8");
  const [, section] = whole.split(`\n## ${heading}\n`);
  if (section === undefined) throw new Error(`docs/${page} has no section "${heading}"`);
  return stepsOf(section.split("\n## ")[0] as string);
}

/** Runs commands of guides as their reader does: in the root of the repository, with kubectl and Helm for a cluster. */
export class GuideShell {
  readonly #env: NodeJS.ProcessEnv;

  constructor({ kubeconfig }: { readonly kubeconfig: string }) {
    const programs = (["kubectl", "helm"] as const).map((name) =>
      findKubeProgram(name, { root: ROOT, env: process.env }),
    );
    const folders = programs.flatMap((each) => (each ? [dirname(each)] : []));
    this.#env = { ...process.env, KUBECONFIG: kubeconfig, PATH: [...folders, process.env.PATH].join(":") };
  }

  /** Runs a command, until it prints what the guide says. @throws with what it printed */
  async run({ command, prints }: Step): Promise<void> {
    let last = "";
    const isDone = async (): Promise<boolean> => {
      const { code, output } = await this.#once(command);
      last = `exit code ${code}\n${output}`;
      return prints === undefined ? code === 0 : isSaid(prints, output);
    };
    if (
      prints === undefined
        ? await isDone()
        : await waitFor(prints, WITHIN_MS, isDone, 200).then(
            () => true,
            () => false,
          )
    )
      return;
    throw new Error(`${command}\n${prints === undefined ? "" : `does not print ${prints}, but\n`}${last}`);
  }

  async #once(command: string): Promise<{ code: number | null; output: string }> {
    // A reader has the repository's npx.
    const script = `set -o pipefail\nnpx() { shift; ${process.execPath} apps/xebec/bin/xebec.mjs "$@"; }\n${command}`;
    const child = spawn("bash", ["-c", script], { cwd: ROOT, env: this.#env, stdio: ["ignore", "pipe", "pipe"] });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, output: `${out}${err}` };
  }
}

/** A status of HTTP, or a text. */
function isSaid(prints: string, output: string): boolean {
  return /^\d{3}$/.test(prints) ? new RegExp(`^HTTP/[\\d.]+ ${prints}\\b`, "m").test(output) : output.includes(prints);
}
