import { execFile } from "node:child_process";
import { writeFileAtomic } from "@xebec/platform-files";

const LIMIT_MS = 30_000;
const LONGEST = 2_000;

/**
 * Has Envoy read a bootstrap without running it.
 * @param file where it may be written
 * @returns what Envoy says against it; undefined when it takes it
 */
export async function refusedBootstrap(
  program: string,
  bootstrap: Readonly<Record<string, unknown>>,
  file: string,
): Promise<string | undefined> {
  await writeFileAtomic(file, JSON.stringify(bootstrap), { mode: 0o600, sync: false });
  const args = [
    "-c",
    file,
    "--mode",
    "validate",
    "--allow-unknown-static-fields",
    "--disable-hot-restart",
    "-l",
    "critical",
  ];
  return new Promise((resolve) => {
    execFile(program, args, { timeout: LIMIT_MS, killSignal: "SIGKILL" }, (error, _stdout, stderr) => {
      if (!error) return resolve(undefined);
      const said = stderr.trim().split("\n").at(-1)?.slice(0, LONGEST) ?? "";
      resolve(error.killed ? `Envoy did not read it within ${LIMIT_MS} ms` : said || error.message);
    });
  });
}
