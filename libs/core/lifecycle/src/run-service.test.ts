import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";

const INDEX = JSON.stringify(join(import.meta.dirname, "index.ts"));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs a service of these components in a process of its own.
 * @param components the text of a list of components
 * @param act what to do with the process when it has written a line with this text
 */
async function run(
  components: string,
  act: Readonly<Record<string, (child: ChildProcess) => void>> = {},
  more = "",
): Promise<Ended> {
  return runProgram(`await runService({ name: "probe", components: ${components}, ${more} });`, act);
}

async function runProgram(
  text: string,
  act: Readonly<Record<string, (child: ChildProcess) => void>> = {},
): Promise<Ended> {
  const program = `import { runService, serviceMain } from ${INDEX};
    const say = (text) => process.stdout.write(text + "\\n");
    const fail = (code, message) => { throw Object.assign(new Error(message), { name: "XebecError", code }); };
    ${text}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  const waiting = new Map(Object.entries(act));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    for (const [mark, action] of waiting)
      if (out.includes(mark)) {
        waiting.delete(mark);
        action(child);
      }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, out, err };
}

const part = (name: string, more = ""): string => `{
  name: "${name}",
  async start() { say("start ${name}"); },
  async close() { say("close ${name}"); },
  ${more}
}`;
/** Something that keeps a process alive. */
const LISTENING = `{ name: "timer", async start() { this.timer = setInterval(() => {}, 1000); }, async close() { clearInterval(this.timer); } }`;
const term = (child: ChildProcess): void => void child.kill("SIGTERM");

/** What it said, without the log. */
const said = ({ out }: Ended): string[] => out.split("\n").filter((line) => line !== "" && !line.startsWith("{"));

describe("a service that runs", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    it(`ends in order after ${signal}, with exit code 0`, async () => {
      const ended = await run(`[${LISTENING}, ${part("a")}, ${part("b")}]`, {
        "has started": (child) => void child.kill(signal),
      });
      assert.deepEqual(said(ended), ["start a", "start b", "close b", "close a"]);
      assert.deepEqual([ended.code, ended.err], [0, ""]);
    });

  it("that cannot start closes what had started, says why, and ends with 1", async () => {
    const failing = `{ name: "b", async start() { throw new Error("port 80 is taken"); } }`;
    const ended = await run(`[${LISTENING}, ${part("a")}, ${failing}]`);
    assert.deepEqual(said(ended), ["start a", "close a"]);
    assert.deepEqual([ended.code, ended.err], [1, "probe: port 80 is taken\n"]);
  });

  it("says in one line, without a stack, what its reader can fix", async () => {
    const start = async (code: string): Promise<Ended> =>
      run(`[{ name: "a", async start() { fail("${code}", "--x: no"); } }]`);
    assert.deepEqual(await start("invalid_argument"), { code: 2, signal: null, out: "", err: "probe: --x: no\n" });
    assert.deepEqual((await start("failed_precondition")).code, 1);
    const before = await runProgram(`await serviceMain("probe", () => fail("not_found", "probe: no key"));`);
    assert.deepEqual(before, { code: 2, signal: null, out: "", err: "probe: no key\n" });
    const bug = await runProgram(`await serviceMain("probe", () => { throw new Error("a bug"); });`);
    assert.deepEqual([bug.code, bug.err], [1, "probe: a bug\n"]);
    assert.match(bug.out, /"level":"fatal".*"stack"/);
  });

  it("may be asked to end while it starts", async () => {
    const slow = `{ name: "slow", start: (signal) => { say("waiting"); return new Promise((resolve) => signal.addEventListener("abort", () => { say("given up"); resolve(); })); } }`;
    const ended = await run(`[${LISTENING}, ${slow}]`, { waiting: term });
    assert.deepEqual([ended.code, said(ended)], [0, ["waiting", "given up"]]);
  });

  it("ends with 1 when draining takes longer than its deadline", async () => {
    const stuck = `{ name: "stuck", async start() {}, close: () => new Promise(() => {}) }`;
    const ended = await run(`[${LISTENING}, ${stuck}]`, { "has started": term }, "drainMs: 50");
    assert.equal(ended.code, 1);
    assert.match(ended.out, /drain took too long/);
  });

  it("takes two signals at once for one, and a later one for impatience", async () => {
    const slow = `{ name: "slow", async start() {}, close: () => new Promise((resolve) => setTimeout(resolve, 300)) }`;
    const twice = await run(`[${LISTENING}, ${slow}]`, {
      "has started": (child) => {
        child.kill("SIGTERM");
        child.kill("SIGINT");
      },
    });
    assert.equal(twice.code, 0);
    const stuck = `{ name: "stuck", async start() {}, close: () => new Promise(() => setTimeout(() => say("still here"), 700)) }`;
    const impatient = await run(`[${LISTENING}, ${stuck}]`, { "has started": term, "still here": term });
    assert.equal(impatient.code, 130);
  });

  it("ends with 70 for an error that nothing handled, and logs it", async () => {
    const broken = `{ name: "broken", async start() { setTimeout(() => { throw new Error("nobody caught this"); }, 1); } }`;
    const ended = await run(`[${LISTENING}, ${broken}]`);
    assert.equal(ended.code, 70);
    assert.match(ended.out, /"level":"fatal".*nobody caught this/);
  });

  it("ends with 0 also when something fails to close, and logs it", async () => {
    const failing = `{ name: "b", async start() {}, async close() { throw new Error("would not"); } }`;
    const ended = await run(`[${LISTENING}, ${part("a")}, ${failing}]`, { "has started": term });
    assert.deepEqual([ended.code, said(ended)], [0, ["start a", "close a"]]);
    assert.match(ended.out, /"level":"error".*components failed to close/);
  });
});
