// Builds the Go programs of this folder. Go's own cache makes it quick; the first time it fetches the modules that go.sum names.
import { execFile, execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Why these tests are skipped; false when they are not. With CI=true they never are. */
export const withoutGo: string | false = hasGo() || process.env.CI === "true" ? false : "Go is not installed";

function hasGo(): boolean {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Builds a program. @param name its folder @returns runs it with flags, and gives what it prints as JSON */
export async function goProgram(name: string): Promise<(...flags: readonly string[]) => Promise<unknown>> {
  const program = await goBinary(name);
  return async (...flags) => JSON.parse((await run(program, flags, { timeout: 60_000 })).stdout) as unknown;
}

/** Builds a program. @param name its folder @returns its path */
export async function goBinary(name: string): Promise<string> {
  const cwd = join(import.meta.dirname, name);
  const program = join(process.env.XEBEC_GO_BIN ?? join(tmpdir(), `xebec-go-${process.getuid?.() ?? 0}`), name);
  await run("go", ["build", "-buildvcs=false", "-mod=readonly", "-o", program, "."], { cwd, timeout: 600_000 });
  return program;
}
